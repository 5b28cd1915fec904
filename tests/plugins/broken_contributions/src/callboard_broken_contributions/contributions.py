"""Contributions that cannot be imported."""

raise RuntimeError("the contributions went up in smoke")
