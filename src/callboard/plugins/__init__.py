"""Bundled rooms, one package each, all of the same shape."""
