"""Manifest."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(name="broken_sdk", title="broken_sdk", version="0.1.0", sdk=">=99")
