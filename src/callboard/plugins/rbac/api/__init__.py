"""The HTTP doors of access: its own API, the authorisation endpoint, and the shapes of the community's plugin."""
