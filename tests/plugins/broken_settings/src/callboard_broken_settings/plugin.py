"""Manifest."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="broken_settings",
    title="broken_settings",
    version="0.1.0",
    settings="callboard_broken_settings.settings:Settings",
)
