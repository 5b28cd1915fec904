"""Answer what the first page shows a person: what is theirs, what is new, what needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Q, When

from callboard.plugins.catalog.models import Problem, Star
from callboard.plugins.catalog.selectors.pages.names import Named, named
from callboard.plugins.catalog.selectors.problems import problems
from callboard.plugins.catalog.selectors.querying import readable

QUIET_KINDS = ("location",)
"""Kinds whose changes are of no interest to people."""

CANDIDATES = 200


@dataclass(frozen=True)
class Changed:
    """An entity that changed lately; ``new`` when it came rather than changed."""

    entity: Named
    at: datetime
    new: bool


@dataclass(frozen=True)
class Attention:
    """Something that needs its owners: what, why, and what to do."""

    entity: Named
    tone: str
    text: str
    remedy: str
    place: str = ""


def is_empty() -> bool:
    """Whether the catalog holds nothing that the caller may see."""
    return not readable().exclude(kind__in=QUIET_KINDS).exists()


def starred_by(user_ref: str, limit: int = 12) -> list[Named]:
    """Answer a person's favourites, latest first; what is gone is left out."""
    refs = list(
        Star.objects.filter(user_ref=user_ref).order_by("-created_at").values_list("entity_ref", flat=True)[: limit * 2]
    )
    names = named(refs)
    return [names[ref] for ref in refs if names[ref].exists][:limit]


def recently_changed(limit: int = 8, refs: list[str] | None = None) -> list[Changed]:
    """Answer what changed last, among what these own or among everything."""
    found = readable().exclude(kind__in=QUIET_KINDS)
    if refs is not None:
        found = found.filter(owner_ref__in=refs)
    rows = list(found.order_by("-changed_at", "-id").values_list("ref", "changed_at", "created_at")[:limit])
    names = named(row[0] for row in rows)
    return [Changed(names[ref], at, at == born) for ref, at, born in rows]


def needs_attention(refs: list[str], limit: int = 8) -> list[Attention]:
    """Answer what is wrong with what these own: problems of their sources, and orphans."""
    mine = readable().filter(Q(owner_ref__in=refs) | Q(ref__in=refs))
    troubled: list[Problem] = list(problems().filter(ref__in=mine.values("ref"))[:limit])
    orphans = list(mine.filter(orphan=True).values_list("ref", flat=True)[:limit])
    names = named([*(p.ref for p in troubled), *orphans])
    found = [
        Attention(
            names[p.ref],
            "danger" if p.severity == "error" else "warning",
            p.message,
            p.remedy,
            f"{p.url}:{p.line}" if p.line else p.url,
        )
        for p in troubled
    ]
    found += [Attention(names[ref], "warning", "", "") for ref in orphans]
    return found[:limit]


def entity_total() -> int:
    """Count the entities the caller may see."""
    return readable().count()


def found_by_name(text: str, limit: int) -> list[Named]:
    """Answer entities whose name or title has the text: exact first, then those that begin with it."""
    words = text.split()[:6]
    fits = Q()
    for word in words:
        fits &= Q(name__icontains=word) | Q(title__icontains=word)
    folded = text.casefold().strip()
    rows = list(
        readable()
        .filter(fits)
        .exclude(kind__in=QUIET_KINDS)
        # Names that begin with the text must not fall victim to the limit.
        .annotate(begins=Case(When(name__startswith=folded, then=0), default=1))
        .order_by("begins", "name", "id")
        .values_list("ref", "name", "title", "kind")[:CANDIDATES]
    )

    def rank(row: tuple[str, str, str, str]) -> tuple[int, int, str]:
        name, title = row[1].casefold(), row[2].casefold()
        if folded in (name, title):
            place = 0
        elif name.startswith(folded) or title.startswith(folded):
            place = 1
        else:
            place = 2
        return place, len(name), row[0]

    refs = [row[0] for row in sorted(rows, key=rank)[:limit]]
    names = named(refs)
    return [names[ref] for ref in refs]


__all__ = [
    "Attention",
    "Changed",
    "entity_total",
    "found_by_name",
    "is_empty",
    "needs_attention",
    "recently_changed",
    "starred_by",
]
