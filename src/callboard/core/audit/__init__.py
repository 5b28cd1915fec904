"""Append-only record of who did what to what, through which door."""
