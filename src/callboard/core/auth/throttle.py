"""Count attempts in the database, so that a limit holds over all processes and machines."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from callboard.core.auth.models import Attempt
from callboard.core.config.current import portal_config


def attempt(subject: str, limit: int, seconds: int) -> bool:
    """Count one attempt for ``subject``; answer whether it is still within ``limit`` per ``seconds``.

    One statement, so that attempts made at the same moment are all counted.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cb_auth_attempt (key, count, until) VALUES (%s, 1, %s)
            ON CONFLICT (key) DO UPDATE SET
                count = CASE WHEN cb_auth_attempt.until <= %s THEN 1
                             ELSE least(cb_auth_attempt.count + 1, 1000000) END,
                until = CASE WHEN cb_auth_attempt.until <= %s THEN excluded.until ELSE cb_auth_attempt.until END
            RETURNING count
            """,
            [_key(subject), now + timedelta(seconds=seconds), now, now],
        )
        count: int = cursor.fetchone()[0]
    if count == 1:
        # The first of a window pays for tidying up, so that no schedule is needed.
        Attempt.objects.filter(until__lt=now - timedelta(hours=1)).delete()
    return count <= limit


def forgive(subject: str) -> None:
    """Forget the attempts of ``subject``."""
    Attempt.objects.filter(key=_key(subject)).delete()


def client_ip(request: HttpRequest) -> str:
    """Answer the address of the caller; ``X-Forwarded-For`` counts only behind a trusted proxy."""
    address = request.META.get("REMOTE_ADDR") or "unknown"
    trusted = portal_config().server.trusted_proxies
    if not _within(address, trusted):
        return address
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        candidate = hop.strip()
        if not candidate:
            continue
        if not _within(candidate, trusted):
            return candidate[:64]
    return address


def _within(address: str, networks: list[str]) -> bool:
    try:
        known = ipaddress.ip_address(address)
        return any(known in ipaddress.ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False


def _key(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()
