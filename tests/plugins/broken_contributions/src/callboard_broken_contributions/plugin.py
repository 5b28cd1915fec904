"""Manifest."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(name="broken_contributions", title="broken_contributions", version="0.1.0")
