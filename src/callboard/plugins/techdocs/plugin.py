"""Manifest of the techdocs room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="techdocs",
    title="Docs",
    version="1.0.0",
    description="Documentation that lives beside the code: built, searched, read and kept fresh.",
    requires=("catalog",),
    settings="callboard.plugins.techdocs.settings:TechdocsSettings",
    author="The Callboard authors",
    icon="book",
    offline_commands=("techdocs",),
)
