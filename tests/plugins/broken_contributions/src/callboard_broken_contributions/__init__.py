"""A plugin whose contributions raise."""
