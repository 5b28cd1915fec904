"""Migrations of the dummy plugin."""
