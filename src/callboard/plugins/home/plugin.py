"""Manifest of the home room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="home",
    title="Home",
    version="1.0.0",
    description="The first page: what is yours, what needs you, where to go next.",
    requires=("catalog",),
    optional=False,
    author="The Callboard authors",
    icon="home",
)
