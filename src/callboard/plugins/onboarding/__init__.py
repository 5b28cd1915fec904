"""Bring repositories into the catalog without writing YAML."""
