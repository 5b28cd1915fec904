"""Manifest of the dummy plugin."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="dummy",
    title="Dummy",
    version="1.2.3",
    description="Adds one of everything.",
    sdk=">=1,<2",
    requires=("catalog",),
    settings="callboard_dummy.settings:DummySettings",
    author="Somebody else",
    icon="ghost",
)
