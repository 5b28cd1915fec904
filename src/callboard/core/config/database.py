"""Turn a PostgreSQL URL into Django's connection settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from callboard.core.config.schema import PortalConfig


def connection_settings(config: PortalConfig) -> dict[str, Any]:
    """Answer Django's ``DATABASES`` entry for the configured URL.

    The URL is the usual ``postgresql://user:password@host:port/name?option=value``; a Unix socket
    is given as ``?host=/path/to/directory``.
    """
    parts = urlsplit(config.database.url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    port = options.pop("port", None) or parts.port or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "callboard",
        "USER": options.pop("user", None) or unquote(parts.username or ""),
        "PASSWORD": options.pop("password", None) or unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {
            **options,
            "application_name": "callboard",
            "connect_timeout": 10,
            "pool": {"min_size": 1, "max_size": config.database.pool_size, "timeout": 20},
        },
    }
