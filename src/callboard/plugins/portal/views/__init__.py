"""Show the pages of the portal room."""
