"""Hold every kind of software entity, where it came from and what it is related to."""
