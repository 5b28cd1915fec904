"""A plugin that requires one that is not there."""
