"""A plugin whose settings raise."""
