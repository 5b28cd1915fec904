"""Pages of the sign-in room."""
