"""Verbs of the room: make, change, test and remove connections; open clients."""
