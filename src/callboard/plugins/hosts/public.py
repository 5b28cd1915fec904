"""What other rooms may use of source hosts.

>>> host = host_of("https://github.com/acme/shop")
>>> with client_for(host.name) as client:
...     repository = client.repository("acme/shop")
...     client.commit("acme/shop", "add-docs", "Add docs", [FileChange("docs/index.md", b"# Shop")], start="main")
...     client.open_pull_request("acme/shop", "add-docs", "main", "Add docs")

Clients are lent by ``client_for``; ``HostCalls`` (``clients/calls.py``) lists every call there is. A call that a
product does not offer raises ``HostError`` with the code ``unsupported``; ``client.supports("create_environment")``
asks beforehand. Asking for the right permission is the caller's part.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from callboard.plugins.hosts.clients.calls import HostCalls
from callboard.plugins.hosts.selectors import Host, access_to, host, host_of, hosts, webhook_secret
from callboard.plugins.hosts.selectors import forget as forget_hosts
from callboard.plugins.hosts.services.connections import client_for
from callboard.plugins.hosts.services.reading import ReadingAccess, reading_access
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import (
    Account,
    Branch,
    Commit,
    Entry,
    FileChange,
    FileContent,
    Hook,
    Issue,
    Limit,
    Member,
    Organisation,
    Protection,
    PullRequest,
    Repository,
    Settings,
    Team,
    Tree,
    WorkflowRun,
)
from callboard.plugins.hosts.types.products import PRODUCTS, Product, product

HostClient = HostCalls
"""What clients are typed as: the calls, without how they are sent."""


def repository_of(url: str) -> tuple[Host, str] | None:
    """Answer the connection and the full name of the repository that an address leads to, if one is connected."""
    found = host_of(url)
    if found is None:
        return None
    base = urlsplit(found.url).path.strip("/")
    path = unquote(urlsplit(url).path).strip("/")
    if found.product != "azure" and base:
        path = path.removeprefix(base).strip("/")
    name = _full_name(found.product, [part for part in path.split("/") if part])
    return (found, name) if name else None


def _full_name(of: str, parts: list[str]) -> str:
    """Take the name of a repository out of the path of a page, a file or a clone address."""
    if of == "azure":
        if "_git" not in parts[:-1]:
            return ""
        at = parts.index("_git")
        return "/".join([*parts[:at], *([parts[at + 1]] if at < 2 else []), parts[at + 1]])
    if of == "bitbucket-server":
        if parts[:1] == ["scm"] and len(parts) > 2:
            return f"{parts[1].upper() if not parts[1].startswith('~') else parts[1]}/{parts[2].removesuffix('.git')}"
        if len(parts) > 3 and parts[0] in ("projects", "users") and parts[2] == "repos":
            return f"{'~' if parts[0] == 'users' else ''}{parts[1]}/{parts[3]}"
        return ""
    if of == "gitlab":
        parts = parts[: parts.index("-")] if "-" in parts else parts
        return "/".join(parts).removesuffix(".git") if len(parts) > 1 else ""
    if of in ("gerrit", "git"):
        parts = parts[1:] if parts[:1] == ["a"] and of == "gerrit" else parts
        parts = parts[2:] if parts[:2] == ["admin", "repos"] else parts
        return "/".join(parts)
    return f"{parts[0]}/{parts[1].removesuffix('.git')}" if len(parts) > 1 else ""


__all__ = [
    "PRODUCTS",
    "Account",
    "Branch",
    "Commit",
    "Entry",
    "FileChange",
    "FileContent",
    "Hook",
    "Host",
    "HostCalls",
    "HostClient",
    "HostError",
    "Issue",
    "Limit",
    "Member",
    "Organisation",
    "Product",
    "Protection",
    "PullRequest",
    "ReadingAccess",
    "Repository",
    "Settings",
    "Team",
    "Tree",
    "WorkflowRun",
    "access_to",
    "client_for",
    "forget_hosts",
    "host",
    "host_of",
    "hosts",
    "product",
    "reading_access",
    "repository_of",
    "webhook_secret",
]
