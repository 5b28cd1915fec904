"""Reads of the catalog: what is there, who owns it, what is wrong with it."""
