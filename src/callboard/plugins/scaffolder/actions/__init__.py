"""The actions that this room brings, in groups."""
