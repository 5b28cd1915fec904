"""A plugin whose models raise."""
