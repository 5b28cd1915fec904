"""Drive the portal with clients of the original."""
