"""Settings that cannot be imported."""

raise RuntimeError("the settings went up in smoke")
