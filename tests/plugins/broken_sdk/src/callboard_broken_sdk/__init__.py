"""A plugin made for another SDK."""
