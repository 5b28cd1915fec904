"""Migrations of the sign-in room."""
