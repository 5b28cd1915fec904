"""Verbs of access: edit, publish, ask, grant, look through other eyes, send the record elsewhere."""
