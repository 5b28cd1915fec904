"""Manifest of the room of source hosts."""

from __future__ import annotations

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="hosts",
    title="Source hosts",
    version="1.0.0",
    description="Connections to GitHub, GitLab, Bitbucket, Azure DevOps, Gitea, Gerrit and other Git servers.",
    settings="callboard.plugins.hosts.settings:HostsSettings",
    optional=False,
    author="The Callboard authors",
    icon="plug-connected",
)
