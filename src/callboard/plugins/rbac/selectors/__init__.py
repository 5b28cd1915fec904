"""Reads of access: the policy in force, what it means to people, and what would change."""
