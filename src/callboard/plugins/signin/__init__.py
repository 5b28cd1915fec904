"""How people and programs get in: identity providers, sign-in resolvers, SCIM, service accounts, OpenID Connect."""
