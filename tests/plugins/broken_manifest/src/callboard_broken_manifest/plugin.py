"""Manifest that cannot be read."""

raise RuntimeError("the manifest went up in smoke")
