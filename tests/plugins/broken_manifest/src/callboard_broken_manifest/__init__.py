"""A plugin whose manifest raises."""
