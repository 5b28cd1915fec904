"""Let people in or not, and say why; set up providers, programs, service accounts and SCIM."""
