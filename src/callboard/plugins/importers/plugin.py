"""Manifest of the importers room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="importers",
    title="Importers",
    version="1.0.0",
    description="Reads files of Compass, Cortex, OpsLevel, Score and Port, CSV, and the configuration of Backstage.",
    requires=("catalog",),
    settings="callboard.plugins.importers.settings:ImportersSettings",
    author="The Callboard authors",
    icon="file-import",
)
