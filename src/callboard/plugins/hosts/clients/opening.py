"""Open the client that fits a connection."""

from __future__ import annotations

from importlib import import_module

from callboard.plugins.hosts.clients.base import HostClient, Ledger
from callboard.plugins.hosts.types.access import Access

_CLIENTS = {
    "github": ("github", "GitHub"),
    "gitlab": ("gitlab", "GitLab"),
    "bitbucket": ("bitbucket", "Bitbucket"),
    "bitbucket-server": ("bitbucket_server", "BitbucketServer"),
    "azure": ("azure", "AzureDevOps"),
    "gitea": ("gitea", "Gitea"),
    "gerrit": ("gerrit", "Gerrit"),
    "git": ("git_server", "GitServer"),
}


def open_client(access: Access, ledger: Ledger | None = None, *, patience: float = 0.0) -> HostClient:
    """Answer a client for a connection; only the module of its product is imported."""
    module, name = _CLIENTS[access.product]
    made: HostClient = getattr(import_module(f"callboard.plugins.hosts.clients.{module}"), name)(
        access, ledger, patience=patience
    )
    return made
