"""Manifest of the portal room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="portal",
    title="Portal",
    version="1.0.0",
    description="Your settings, and for administrators jobs, audit, plugins and webhooks.",
    optional=False,
    author="The Callboard authors",
    icon="settings",
    requires=("signin",),
)
