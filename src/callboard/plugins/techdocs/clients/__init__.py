"""Where documentation meets the outside: programs that build it, and stores that keep it."""
