"""Manifest."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(name="broken_models", title="broken_models", version="0.1.0")
