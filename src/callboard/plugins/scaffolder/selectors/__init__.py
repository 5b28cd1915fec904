"""Reads: templates, tasks, actions, and who may see them."""
