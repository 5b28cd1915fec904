"""Sign-in through real identity providers, each a separate program on loopback."""
