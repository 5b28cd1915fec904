"""Who may do what through the HTTP APIs: every operation, tried as everybody."""
