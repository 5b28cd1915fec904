"""Policies as data: documents, how they are read and written, and how they decide."""
