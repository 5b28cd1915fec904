"""Everything a client needs to speak with one host."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from callboard.lib.netguard import PRIVATE_NETWORKS
from callboard.plugins.hosts.settings import ProductName


@dataclass(frozen=True, slots=True)
class Access:
    """A connection with its secrets; they are never part of its text.

    ``url`` is the address people use; ``api_url`` overrides where the interface for programs lives.
    ``private`` lets the host be on a private network.
    """

    name: str
    product: ProductName
    url: str
    api_url: str = ""
    username: str = ""
    token: str = field(default="", repr=False)
    app_id: str = ""
    app_key: str = field(default="", repr=False)
    private: bool = False
    timeout: float = 30.0
    max_bytes: int = 50_000_000

    @property
    def host(self) -> str:
        """The host, with its port where it is not the usual one."""
        return urlsplit(self.url).netloc.lower()

    @property
    def allow(self) -> tuple[str, ...]:
        """What the guard lets through for this connection."""
        return PRIVATE_NETWORKS if self.private else ()
