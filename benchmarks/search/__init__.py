"""Measure search: how well it finds, and how fast."""
