"""Manifest."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(name="broken_requires", title="broken_requires", version="0.1.0", requires=("nowhere",))
