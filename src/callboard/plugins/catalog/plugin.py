"""Manifest of the catalog room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="catalog",
    title="Catalog",
    version="1.0.0",
    requires=("hosts",),
    description="Every service, API, resource, team and person, where it comes from and what it is related to.",
    settings="callboard.plugins.catalog.settings:CatalogSettings",
    optional=False,
    author="The Callboard authors",
    icon="category",
)
