"""Who may do what: every operation tried as everybody, and what is denied through every door."""
