"""Read the audit record: filtered, newest first, page by page without counting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from callboard.core.audit.models import AuditEntry

DOORS = ("ui", "api", "cli", "agent", "job", "system")
OUTCOMES = ("succeeded", "failed", "denied")


@dataclass(frozen=True)
class AuditFilter:
    """What to look for; what is empty does not narrow.

    ``action`` matches itself and everything below it: ``catalog`` finds ``catalog.location.register``.
    ``text`` is looked for in actor, name, action and target. ``since`` is included, ``until`` is not.
    """

    actor: str = ""
    action: str = ""
    target: str = ""
    door: str = ""
    outcome: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def narrowed(self) -> bool:
        """Whether anything at all is filtered."""
        return self != AuditFilter()


@dataclass(frozen=True)
class AuditPage:
    """Some entries; ``older`` and ``newer`` are ids to go on from, or nothing at either end."""

    entries: list[AuditEntry]
    older: int | None
    newer: int | None


def audit_entries(chosen: AuditFilter) -> QuerySet[AuditEntry]:
    """Answer the entries a filter finds, newest first."""
    found = AuditEntry.objects.all()
    exact = {"actor": chosen.actor, "target": chosen.target, "door": chosen.door, "outcome": chosen.outcome}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if chosen.action:
        found = found.filter(Q(action=chosen.action) | Q(action__startswith=chosen.action + "."))
    if chosen.since:
        found = found.filter(at__gte=chosen.since)
    if chosen.until:
        found = found.filter(at__lt=chosen.until)
    for word in chosen.text.split()[:5]:
        found = found.filter(
            Q(actor__icontains=word)
            | Q(actor_name__icontains=word)
            | Q(action__icontains=word)
            | Q(target__icontains=word)
        )
    return found.order_by("-id")


def audit_page(
    chosen: AuditFilter, *, before: int | None = None, after: int | None = None, size: int = 50
) -> AuditPage:
    """Answer one page: the newest, those older than ``before``, or those newer than ``after``."""
    found = audit_entries(chosen)
    if after is not None:
        entries = list(found.filter(id__gt=after).order_by("id")[: size + 1])
        more_newer = len(entries) > size
        entries = entries[:size][::-1]
        if entries:
            more_older = found.filter(id__lt=entries[-1].pk).exists()
            return AuditPage(entries, entries[-1].pk if more_older else None, entries[0].pk if more_newer else None)
        before = after
    if before is not None:
        found = found.filter(id__lt=before)
    entries = list(found[: size + 1])
    more_older = len(entries) > size
    entries = entries[:size]
    more_newer = before is not None and bool(entries)
    return AuditPage(entries, entries[-1].pk if more_older else None, entries[0].pk if more_newer else None)


def audit_entry(entry_id: int) -> AuditEntry | None:
    """Answer one entry."""
    return AuditEntry.objects.filter(pk=entry_id).first()


def audit_rows(chosen: AuditFilter, limit: int) -> Iterator[AuditEntry]:
    """Yield the entries of a filter for an export, without holding them all in memory."""
    last: int | None = None
    left = limit
    while left > 0:
        found = audit_entries(chosen)
        if last is not None:
            found = found.filter(id__lt=last)
        batch = list(found[: min(1000, left)])
        if not batch:
            return
        yield from batch
        left -= len(batch)
        last = batch[-1].pk


def entries_about(user_ref: str) -> QuerySet[AuditEntry]:
    """Answer what a person did and what was done to them, for an export of personal data."""
    return AuditEntry.objects.filter(Q(actor=user_ref) | Q(target=user_ref)).order_by("-id")
