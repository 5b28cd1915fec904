"""Verbs of templates: read them, start tasks, run steps, agree, undo."""
