"""The catalog in numbers, and what one registration brought."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Func, Q, TextField, Value
from django.utils import timezone

from callboard.lib.problems import Place
from callboard.lib.problems import Problem as ProblemValue
from callboard.plugins.catalog.models import Emission, Problem, Source
from callboard.plugins.catalog.selectors.querying import readable


def source_at(type_: str, target: str) -> Source:
    """Answer the source of a location that is known to be registered."""
    return Source.objects.get(type=type_, target=target)


def registration_at(type_: str, target: str) -> Source | None:
    """Answer the registered location of this type and target, if there is one."""
    return Source.objects.filter(type=type_, target=target, registered=True).first()


def brought_by(origin: str) -> dict[str, int]:
    """Count what a registration (``type:target``) brought, by kind."""
    refs = Emission.objects.filter(source__origin=origin).values_list("ref", flat=True)
    found: dict[str, int] = {}
    for ref in refs:
        kind = ref.partition(":")[0]
        found[kind] = found.get(kind, 0) + 1
    return dict(sorted(found.items()))


def provided_by(provider_id: str, limit: int = 0) -> tuple[dict[str, int], list[str]]:
    """Count what a provider brought, itself or through locations it names, by kind; answer the first refs too.

    Location entities that only lead to files are not counted.
    """
    found = Emission.objects.filter(
        Q(source__type="provider", source__target=provider_id) | Q(source__origin=f"provider:{provider_id}")
    ).exclude(source__type="provider", ref__startswith="location:")
    kinds = found.annotate(kind=Func(F("ref"), Value(":"), Value(1), function="split_part", output_field=TextField()))
    counts = dict(kinds.order_by("kind").values_list("kind").annotate(n=Count("id")))
    return counts, list(found.order_by("ref").values_list("ref", flat=True)[:limit]) if limit else []


def problems_of(origin: str) -> list[ProblemValue]:
    """Answer the problems of a registration and all it leads to."""
    rows = Problem.objects.filter(source__origin=origin).order_by("url", "line", "id")
    return [
        ProblemValue(
            row.code,
            row.message,
            row.remedy,
            Place(row.url, row.line, row.column, row.path),
            row.severity,  # type: ignore[arg-type]
        )
        for row in rows
    ]


def counts_by_kind() -> dict[str, int]:
    """Count the entities the caller may see, by kind in its own spelling."""
    rows = readable().order_by().values_list("kind_name").annotate(n=Count("id")).order_by("kind_name")
    return dict(rows)


def status() -> dict[str, Any]:
    """Answer the catalog in numbers."""
    sources = Source.objects.exclude(type="provider")
    return {
        "entities": counts_by_kind(),
        "locations": sources.filter(registered=True).count(),
        "sources": sources.count(),
        "waiting": sources.filter(due_at__lte=timezone.now()).count(),
        "failing": sources.filter(failures__gt=0).count(),
        "problems": Problem.objects.count(),
    }
