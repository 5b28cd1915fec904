"""Remember what hosts answered and how far their limits are used, for all processes together."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from callboard.plugins.hosts.models import KeptAnswer, RateLimit
from callboard.plugins.hosts.types.model import Limit

log = logging.getLogger(__name__)

KEEP = timedelta(days=14)
_TOUCH = timedelta(hours=12)


class DatabaseLedger:
    """The ledger of one connection. What cannot be remembered costs a request, never a run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._blocked: float | None = None
        self._asked = 0.0
        self._said: Limit | None = None
        self._written = 0.0

    def recall(self, key: str) -> tuple[str, bytes, str] | None:
        """Answer what was kept of a request."""
        row = KeptAnswer.objects.filter(connection=self._name, key=key).first()
        if row is None:
            return None
        if row.used_at < timezone.now() - _TOUCH:
            KeptAnswer.objects.filter(pk=row.pk).update(used_at=timezone.now())
        return row.etag, bytes(row.content), row.link

    def keep(self, key: str, etag: str, content: bytes, link: str) -> None:
        """Keep an answer in place of an older one."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    """
                    INSERT INTO cb_hosts_kept_answer (connection, key, etag, link, content, used_at)
                    VALUES (%s, %s, %s, %s, %s, now())
                    ON CONFLICT (connection, key) DO UPDATE SET
                      etag = excluded.etag, link = excluded.link, content = excluded.content, used_at = now()
                    """,
                    [self._name, key, etag, link, content],
                )
        except DatabaseError:
            log.warning("an answer of %s could not be kept", self._name, exc_info=True)

    def limited(self, limit: Limit) -> None:
        """Note limits: at once when they stop the portal, else every few seconds."""
        now = time.monotonic()
        self._blocked, self._asked = limit.blocked_until, now
        if limit.blocked_until is None and now - self._written < 5.0:
            self._said = limit
            return
        self._write(limit)

    def flush(self) -> None:
        """Write what was noted last."""
        if self._said is not None:
            self._write(self._said)

    def _write(self, limit: Limit) -> None:
        self._said, self._written = None, time.monotonic()
        RateLimit.objects.update_or_create(
            connection=self._name,
            resource=limit.resource,
            defaults={
                "limit": limit.limit,
                "remaining": limit.remaining,
                "reset_at": _moment(limit.reset_at),
                "blocked_until": _moment(limit.blocked_until),
                "seen_at": timezone.now(),
            },
        )

    def blocked_until(self, resource: str) -> float | None:
        """Answer until when the host wants to be left alone; another process may have been told."""
        if time.monotonic() - self._asked > 5.0:
            found = (
                RateLimit.objects.filter(connection=self._name, resource=resource).values_list("blocked_until").first()
            )
            self._blocked = found[0].timestamp() if found and found[0] else None
            self._asked = time.monotonic()
        return self._blocked


def forget_old_answers() -> int:
    """Remove answers that nobody asked for in a while; called by a job."""
    count, _ = KeptAnswer.objects.filter(used_at__lt=timezone.now() - KEEP).delete()
    return count


def _moment(seconds: float | None) -> datetime | None:
    # A host may send any number; what is no moment of this century is no information.
    if seconds is None or not 0 < seconds < 4_000_000_000:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)
