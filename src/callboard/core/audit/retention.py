"""Let old entries leave the audit record: the one way in which anything ever does.

The record is kept whole when a person is erased elsewhere: that somebody did something stays true, and
is kept for the time the operator chose, on the ground of accountability.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from callboard.core.audit.models import AuditEntry
from callboard.core.audit.services import record

BATCH = 5_000


def remove_old_entries(keep_days: int, batch: int = BATCH) -> int:
    """Remove entries older than ``keep_days`` in batches; note how many, and answer it."""
    border = timezone.now() - timedelta(days=keep_days)
    removed = 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                # Local to this transaction: nothing else is let through the trigger.
                cursor.execute("SET LOCAL callboard.audit_retention = 'on'")
            oldest = AuditEntry.objects.filter(at__lt=border).order_by("id").values("pk")[:batch]
            count, _by_model = AuditEntry.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL callboard.audit_retention = 'off'")
        removed += count
        if count < batch:
            break
    if removed:
        record("audit.entries.expire", "", {"removed": removed, "before": border.isoformat()})
    return removed
