"""Readers of other formats: pure functions from a text to entities and notes of what became of each part."""
