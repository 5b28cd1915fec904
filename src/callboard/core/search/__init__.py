"""The platform that search collators plug into."""
