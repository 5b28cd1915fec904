"""Lend the catalog what it needs to read files and repositories of a connected host."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from callboard.plugins.hosts import selectors
from callboard.plugins.hosts.types.errors import HostError

log = logging.getLogger(__name__)

_READER_TYPES = frozenset({"github", "gitlab", "bitbucket", "bitbucket-server", "gitea", "azure"})


@dataclass(frozen=True, slots=True)
class ReadingAccess:
    """How to read from one host: the sign-in, the product, and whether it may be on a private network."""

    host: str
    type: str = ""
    token: str = field(default="", repr=False)
    username: str = ""
    private: bool = False


def reading_access(url: str) -> ReadingAccess | None:
    """Answer how to read an address of a connected host; nothing where none is connected.

    For a GitHub App that is a token of its installation in the organisation of the address.
    """
    found = selectors.host_of(url)
    access = selectors.access_to(found.name) if found else None
    if found is None or access is None:
        return None
    token = access.token
    if access.app_key:
        owner = urlsplit(url).path.strip("/").partition("/")[0]
        try:
            token = _installation_token(found.name, owner)
        except HostError as error:
            # Reading without a token says more precisely what is missing than no reading at all.
            log.info("no token for %s: %s", url, error)
            token = ""
    product = access.product if access.product in _READER_TYPES else ""
    return ReadingAccess(found.host, product, token, access.username, access.private)


def _installation_token(name: str, owner: str) -> str:
    from callboard.plugins.hosts.clients.github import GitHub  # noqa: PLC0415 - the HTTP library is slow to import
    from callboard.plugins.hosts.services.connections import client_for  # noqa: PLC0415 - likewise

    with client_for(name) as client:
        if isinstance(client, GitHub) and client.app is not None and owner:
            return client.app.token(owner)
    return ""
