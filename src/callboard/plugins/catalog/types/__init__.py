"""Describe what the catalog speaks: envelope, kinds, relations, filters, queries, cursors.

All of it is pure data; importing it needs no database.
"""
