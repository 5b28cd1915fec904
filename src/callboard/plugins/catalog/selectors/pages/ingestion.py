"""Answer what the ingestion pages show: what could not be used, where it comes from, what is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from callboard.plugins.catalog.models import Emission, Entity, Problem, Source, SourceLink, Tombstone
from callboard.plugins.catalog.selectors.problems import problems
from callboard.plugins.catalog.selectors.sets import open_holds
from callboard.plugins.catalog.types.pushing import PREFIX
from callboard.sdk.permissions import allowed_filter

LOCATION_STATES = ("failing", "waiting", "problems", "fine")


@dataclass(frozen=True)
class Choice:
    """A value to filter by, with its count."""

    value: str
    count: int
    chosen: bool


def problem_list(text: str, code: str, severity: str, source: str) -> QuerySet[Problem]:
    """Answer the problems that match, newest first."""
    found = problems(text, code)
    if severity:
        found = found.filter(severity=severity)
    if source:
        found = found.filter(source__uid=source) if _is_uuid(source) else found.none()
    return found


def problem_codes(text: str, severity: str, chosen: str) -> list[Choice]:
    """Answer the codes among the problems that match the other filters, most frequent first."""
    found = problems(text)
    if severity:
        found = found.filter(severity=severity)
    rows = list(found.order_by().values_list("code").annotate(n=Count("id")).order_by("-n", "code"))
    if chosen and chosen not in dict(rows):
        rows.append((chosen, 0))
    return [Choice(value, count, value == chosen) for value, count in rows]


def severity_counts(text: str, code: str) -> dict[str, int]:
    """Answer how many of the problems are errors, and how many warnings."""
    rows = dict(problems(text, code).order_by().values_list("severity").annotate(n=Count("id")))
    return {"error": rows.get("error", 0), "warning": rows.get("warning", 0), "info": rows.get("info", 0)}


def location_list(text: str = "", state: str = "", registered: str = "") -> QuerySet[Source]:
    """Answer the locations with their counts, troubled ones first."""

    def counted(model: Any) -> Any:
        rows = model.objects.filter(source=OuterRef("pk")).order_by().values("source").annotate(n=Count("pk"))
        return Coalesce(Subquery(rows.values("n")), 0)

    found = Source.objects.exclude(type="provider")
    if text:
        found = found.filter(target__icontains=text)
    if registered:
        found = found.filter(registered=registered == "yes")
    if state:
        found = found.filter(_state(state))
    return found.annotate(entity_count=counted(Emission), problem_count=counted(Problem)).order_by(
        "-failures", "-problem_count", "-registered", "type", "target"
    )


def location_counts(text: str = "") -> dict[str, int]:
    """Answer how many locations there are in each state."""
    found = Source.objects.exclude(type="provider")
    if text:
        found = found.filter(target__icontains=text)
    numbers = found.aggregate(
        all=Count("pk"), **{state: Count("pk", filter=_state(state)) for state in LOCATION_STATES}
    )
    return dict(numbers)


def _state(state: str) -> Q:
    troubled = Q(Exists(Problem.objects.filter(source=OuterRef("pk"))))
    waiting = Q(due_at__lte=timezone.now()) | Q(read_at=None)
    if state == "failing":
        return Q(failures__gt=0)
    if state == "waiting":
        return waiting
    if state == "problems":
        return troubled
    return Q(failures=0) & ~troubled & ~waiting


def location_at(uid: Any) -> Source | None:
    """Answer one location with its counts."""
    return location_list().filter(uid=uid).first()


def still_to_read(origin: str) -> int:
    """Count the sources of a registration that have not been read yet, or are due."""
    found = Source.objects.filter(origin=origin)
    return found.filter(Q(read_at=None) | Q(due_at__lte=timezone.now())).count()


def discovered_by(source: Source) -> list[str]:
    """Answer the Location entities that name this source."""
    return list(SourceLink.objects.filter(source=source).values_list("parent_ref", flat=True)[:20])


def removed_list(text: str = "", kind: str = "") -> QuerySet[Tombstone]:
    """Answer what is gone and was not brought back, newest first."""
    condition = allowed_filter("catalog.entity.read")
    found = Tombstone.objects.filter(restored_at=None).order_by("-removed_at", "-id")
    if condition is not None:
        # Conditions speak of living entities; whoever sees only some of those sees no removed ones.
        found = found.none()
    if text:
        found = found.filter(Q(ref__icontains=text) | Q(title__icontains=text) | Q(reason__icontains=text))
    if kind:
        found = found.filter(kind__iexact=kind)
    back = Entity.objects.filter(ref=OuterRef("ref"))
    return found.annotate(back=Exists(back))


def removed_kinds(text: str, chosen: str) -> list[Choice]:
    """Answer the kinds among what is gone."""
    rows = removed_list(text).order_by().values_list("kind").annotate(n=Count("id")).order_by("-n", "kind")
    return [Choice(value, count, value.lower() == chosen.lower()) for value, count in rows]


def tab_counts() -> dict[str, int]:
    """Answer the numbers on the tabs."""
    return {
        "problems": problems().count(),
        "locations": Source.objects.exclude(type="provider").count(),
        "sets": Source.objects.filter(type="provider", target__startswith=PREFIX).count(),
        "held": open_holds(),
        "removed": removed_list().count(),
    }


def undoable(tombstone: Tombstone, now: datetime | None = None) -> bool:
    """Whether a removed entity can be brought back from its source."""
    in_time = tombstone.undo_until >= (now or timezone.now())
    readable = tombstone.source_type != "provider" or tombstone.source_target.startswith(PREFIX)
    return in_time and bool(tombstone.source_target) and readable


def location_named(uid: str) -> Source | None:
    """Answer a location by the text of its id."""
    try:
        return location_at(UUID(uid))
    except ValueError:
        return None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def brought(origin: str) -> list[str]:
    """Answer the refs that a registration brought, without the Location entities that only led on."""
    rows = Emission.objects.filter(source__origin=origin).exclude(ref__startswith="location:").order_by("ref")
    return list(rows.values_list("ref", flat=True).distinct())
