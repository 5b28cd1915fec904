"""Manifest of the search room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="search",
    title="Search",
    version="1.0.0",
    description="Finds services, docs, APIs and people, by words and by meaning.",
    author="The Callboard authors",
    icon="search",
)
