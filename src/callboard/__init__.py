"""Callboard: the developer portal that starts with one command."""
