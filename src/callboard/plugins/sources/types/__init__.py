"""Types of sources, what looking through one brings, and what webhooks say."""
