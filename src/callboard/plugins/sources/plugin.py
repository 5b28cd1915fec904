"""Manifest of the room of sources."""

from __future__ import annotations

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="sources",
    title="Sources",
    version="1.0.0",
    description="Finds catalog files, people and teams in source hosts, LDAP, Kubernetes, buckets, files and web APIs.",
    requires=("catalog", "hosts"),
    settings="callboard.plugins.sources.settings:SourcesSettings",
    author="The Callboard authors",
    icon="plug-connected",
)
