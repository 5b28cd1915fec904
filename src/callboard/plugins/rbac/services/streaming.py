"""Send the audit record on as it grows: every entry at least once, in order, from where the last run stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from callboard.plugins.rbac.clients import streams
from callboard.plugins.rbac.models import StreamPosition
from callboard.plugins.rbac.services.policies import settings
from callboard.plugins.rbac.settings import Stream
from callboard.sdk.audit import AuditEntry

BATCH = 500
BATCHES = 200
GAP_DAYS = 1
MAX_GAPS = 5_000


def send_audit() -> dict[str, int]:
    """Send to every stream what is new, and answer how many each took; one that fails is tried again later."""
    return {stream.name: _send(stream) for stream in settings().streams}


def _send(stream: Stream) -> int:
    position, _new = StreamPosition.objects.get_or_create(name=stream.name)
    count = 0
    for _turn in range(BATCHES):
        entries, gaps, last = _next(position)
        if not entries:
            break
        try:
            streams.send(stream, [entry_data(entry) for entry in entries], settings().stream_allow)
        except streams.StreamError as error:
            StreamPosition.objects.filter(pk=position.pk).update(error=str(error)[:2000], failed_at=timezone.now())
            return count
        position.last_id, position.gaps = last, gaps
        position.sent += len(entries)
        position.sent_at, position.error, position.failed_at = timezone.now(), "", None
        position.save()
        count += len(entries)
    return count


def _next(position: StreamPosition) -> tuple[list[AuditEntry], dict[str, str], int]:
    """Answer the next entries, the numbers that are still missing, and how far that gets."""
    now = timezone.now()
    border = now - timedelta(days=GAP_DAYS)
    waiting = {int(n): at for n, at in position.gaps.items() if datetime.fromisoformat(at) > border}
    late = list(AuditEntry.objects.filter(pk__in=list(waiting)).order_by("pk"))
    fresh = list(AuditEntry.objects.filter(pk__gt=position.last_id).order_by("pk")[:BATCH])
    last = fresh[-1].pk if fresh else position.last_id
    for entry in late:
        waiting.pop(entry.pk)
    if position.last_id and fresh and last - position.last_id <= MAX_GAPS:
        there = {entry.pk for entry in fresh}
        waiting |= {n: now.isoformat() for n in range(position.last_id + 1, last) if n not in there}
    kept = dict(sorted(waiting.items())[-MAX_GAPS:])
    return [*late, *fresh], {str(n): at for n, at in kept.items()}, last


def entry_data(entry: AuditEntry) -> dict[str, Any]:
    """Answer an entry as plain data."""
    return {
        "id": entry.pk,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "actor_name": entry.actor_name,
        "door": entry.door,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "details": entry.details,
        "request_id": entry.request_id,
    }
