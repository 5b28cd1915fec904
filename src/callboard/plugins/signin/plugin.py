"""Manifest of the sign-in room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="signin",
    title="Sign-in",
    version="1.0.0",
    description="Identity providers, who is let in and who is not, SCIM, service accounts, OpenID Connect.",
    optional=False,
    author="The Callboard authors",
    icon="login-2",
    settings="callboard.plugins.signin.settings:SigninSettings",
    requires=("catalog",),
)
