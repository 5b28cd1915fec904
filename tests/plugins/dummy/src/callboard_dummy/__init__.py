"""One of everything: a plugin from outside that uses every contribution point."""
