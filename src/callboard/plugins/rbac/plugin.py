"""Manifest of the access room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="rbac",
    title="Access",
    version="1.0.0",
    description="Roles and conditions without code, tested before they count, with reports, requests and history.",
    settings="callboard.plugins.rbac.settings:RbacSettings",
    optional=False,
    author="The Callboard authors",
    icon="shield-lock",
)
