"""The HTTP APIs of the sign-in room: identity and SCIM."""
