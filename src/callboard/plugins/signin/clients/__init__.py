"""Speak to identity providers. Nothing here is imported before somebody signs in through one."""
