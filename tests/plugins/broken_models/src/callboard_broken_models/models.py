"""Models that cannot be imported."""

raise RuntimeError("the models went up in smoke")
