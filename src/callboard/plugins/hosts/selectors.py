"""Which hosts are connected, which connection an address belongs to, and how each is doing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings as django_settings
from django.db import DatabaseError
from django.utils import timezone

from callboard.lib.crypto import SealError, unseal
from callboard.plugins.hosts.models import Check, Connection, RateLimit
from callboard.plugins.hosts.settings import ConnectionSettings, HostsSettings, ProductName
from callboard.plugins.hosts.types.access import Access
from callboard.plugins.hosts.types.products import BY_NAME, Product
from callboard.sdk.config import room_settings

FRESH_SECONDS = 2.0
SECRETS = ("token", "app_key", "webhook_secret")


@dataclass(frozen=True, slots=True)
class Host:
    """A connection as everybody may see it: no secrets, only whether there are any.

    ``configured`` says that it stands in ``callboard.yaml`` and is changed there.
    """

    name: str
    product: ProductName
    url: str
    configured: bool
    has_credentials: bool = False
    has_webhook_secret: bool = False
    private: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def about(self) -> Product:
        """The product it runs."""
        return BY_NAME[self.product]

    @property
    def host(self) -> str:
        """The host, with its port where it is not the usual one."""
        return urlsplit(self.url).netloc.lower()


@dataclass(frozen=True, slots=True)
class HostState:
    """A connection, what its last test found and how far its limits are used."""

    host: Host
    check: Check | None
    limit: RateLimit | None

    @property
    def blocked_until(self) -> datetime | None:
        """Until when the host wants to be left alone, if it does now."""
        until = self.limit.blocked_until if self.limit else None
        return until if until and until > timezone.now() else None


def settings() -> HostsSettings:
    """Answer the room's settings."""
    found: HostsSettings = room_settings("hosts")
    return found


class _Cache:
    rows: tuple[Connection, ...] = ()
    until: float = 0.0


_cache = _Cache()


def forget() -> None:
    """Ask the database again at the next question."""
    _cache.until = 0.0


def _rows() -> tuple[Connection, ...]:
    # Readers ask for every file, so the few rows are kept for a moment.
    now = time.monotonic()
    if now >= _cache.until:
        try:
            _cache.rows = tuple(Connection.objects.all())
        except DatabaseError:
            _cache.rows = ()
        _cache.until = now + FRESH_SECONDS
    return _cache.rows


def hosts() -> list[Host]:
    """Answer every connection: those of ``callboard.yaml`` first, then those made in the UI, each by name."""
    configured = settings().connections
    found = [_of_settings(name, configured[name]) for name in sorted(configured)]
    return found + [_of_row(row) for row in _rows() if row.name not in configured]


def host(name: str) -> Host | None:
    """Answer one connection by its name."""
    return next((one for one in hosts() if one.name == name), None)


def host_of(url: str) -> Host | None:
    """Answer the connection that an address (of a page, a file or a repository to clone) belongs to.

    Where several connections share a host, the one whose address is the longest beginning counts.
    """
    try:
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition("@")[2].lower()
    except ValueError:
        return None
    if not netloc:
        return None
    best: Host | None = None
    for one in hosts():
        own = urlsplit(one.url)
        base = own.path.rstrip("/")
        inside = not base or parts.path == base or parts.path.startswith(f"{base}/")
        if own.netloc.lower() == netloc and inside and (best is None or len(one.url) > len(best.url)):
            best = one
    return best


def states() -> list[HostState]:
    """Answer every connection with its state."""
    checks = {row.connection: row for row in Check.objects.all()}
    limits = {row.connection: row for row in RateLimit.objects.filter(resource="core")}
    return [HostState(one, checks.get(one.name), limits.get(one.name)) for one in hosts()]


def state_of(name: str) -> HostState | None:
    """Answer one connection with its state."""
    found = host(name)
    if found is None:
        return None
    check = Check.objects.filter(connection=name).first()
    return HostState(found, check, RateLimit.objects.filter(connection=name, resource="core").first())


def access_to(name: str) -> Access | None:
    """Answer a connection with its secrets, for clients alone."""
    values = _values(name)
    if values is None:
        return None
    return Access(
        name=name,
        product=values.product,
        url=address_of(values),
        api_url=values.api_url,
        username=values.username,
        token=values.token,
        app_id=values.app_id,
        app_key=values.app_key,
        private=values.private,
        timeout=settings().timeout_seconds,
    )


def webhook_secret(name: str) -> str:
    """Answer what a host signs its webhooks with; empty where nothing was agreed."""
    values = _values(name)
    return values.webhook_secret if values else ""


def _values(name: str) -> ConnectionSettings | None:
    configured = settings().connections.get(name)
    if configured is not None:
        return configured
    row = next((one for one in _rows() if one.name == name), None)
    if row is None:
        return None
    return ConnectionSettings.model_validate({"product": row.product, "url": row.url, **row.options, **opened(row)})


def opened(row: Connection) -> dict[str, str]:
    """Answer the secrets of a connection; none where the portal's key has changed since."""
    if not row.secrets:
        return {}
    try:
        found: dict[str, str] = orjson.loads(unseal(row.secrets, django_settings.ENCRYPTION_KEY, purpose(row)))
    except SealError:
        return {}
    return found


def purpose(row: Connection) -> str:
    """Answer what the secrets of a connection are sealed for."""
    return f"hosts.connection:{row.pk}"


def address_of(values: ConnectionSettings) -> str:
    """Answer the address of a connection: its own, or that of the product's public service."""
    return (values.url or BY_NAME[values.product].url).rstrip("/")


def _of_settings(name: str, values: ConnectionSettings) -> Host:
    return Host(
        name,
        values.product,
        address_of(values),
        configured=True,
        has_credentials=bool(values.token or values.app_key),
        has_webhook_secret=bool(values.webhook_secret),
        private=values.private,
        options=values.model_dump(exclude={"product", "url", "private", *SECRETS}, exclude_defaults=True),
    )


def _of_row(row: Connection) -> Host:
    secrets = opened(row)
    options = {key: value for key, value in row.options.items() if key != "private"}
    return Host(
        row.name,
        row.product,  # type: ignore[arg-type]
        row.url,
        configured=False,
        has_credentials=bool(secrets.get("token") or secrets.get("app_key")),
        has_webhook_secret=bool(secrets.get("webhook_secret")),
        private=bool(row.options.get("private")),
        options=options,
        id=str(row.pk),
    )
