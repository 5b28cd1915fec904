"""Verbs of the room: make, change, pause, try, run and remove sources; take webhooks."""
