"""Find entities and tags for somebody who is filling in a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Case, Count, F, Func, Q, When

from callboard.plugins.catalog.selectors.compiling import filter_query
from callboard.plugins.catalog.selectors.pages.names import Named, named
from callboard.plugins.catalog.selectors.querying import readable
from callboard.plugins.catalog.types.filters import Condition, Filter, FilterSet

Wanted = Mapping[str, Sequence[str] | None]
"""What an entity must have: a key and its values, or ``None`` where it must only exist."""


def entities_like(filters: Iterable[Wanted], text: str = "", limit: int = 20) -> list[Named]:
    """Answer entities that meet any of the filters and have the text in their name or title, best first."""
    sets = tuple(
        FilterSet(
            tuple(
                Condition(key.lower(), None if values is None else tuple(value.lower() for value in values))
                for key, values in wanted.items()
            )
        )
        for wanted in filters
        if wanted
    )
    found = readable().filter(filter_query(Filter(sets) if sets else None))
    words = text.replace("\0", "").split()[:6]
    for word in words:
        found = found.filter(Q(name__icontains=word) | Q(title__icontains=word) | Q(ref=word.lower()))
    start = text.casefold().strip()
    order = Case(When(name__startswith=start, then=0), default=1) if start else Case(default=1)
    refs = list(found.annotate(begins=order).order_by("begins", "name", "id").values_list("ref", flat=True)[:limit])
    names = named(refs)
    return [names[ref] for ref in refs]


def tags_like(kinds: Sequence[str] = (), text: str = "", limit: int = 20) -> list[tuple[str, int]]:
    """Answer tags that are used, with how often, the most used first."""
    found = readable()
    if kinds:
        found = found.filter(kind__in=[kind.lower() for kind in kinds])
    rows = found.annotate(tag=Func(F("tags"), function="unnest")).values("tag").annotate(n=Count("pk"))
    counted = {row["tag"]: row["n"] for row in rows if text.lower() in row["tag"].lower()}
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:limit]
