"""Keep what the caller may not see out of what others say of it: inverse relations name whoever declared them.

An entity's own words (its spec) stay as they are; they are visible because the entity is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import orjson
from django.db.models import Q, QuerySet

from callboard.plugins.catalog.models import Entity, Relation
from callboard.sdk.permissions import allowed_filter

READ = "catalog.entity.read"
BATCH = 500

K = TypeVar("K")


def hidden_among(refs: Iterable[str] | QuerySet[Any]) -> set[str]:
    """Answer those refs that exist but that the caller may not see; whoever sees everything costs no query."""
    condition = allowed_filter(READ)
    return set() if condition is None else _hidden(condition, refs)


def concealed(bodies: Mapping[K, str], entities: QuerySet[Entity]) -> dict[K, str]:
    """Answer entities as JSON texts without relations to what the caller may not see.

    ``entities`` are those that the texts are of. Texts are read and written anew only where something is hidden.
    """
    condition = allowed_filter(READ)
    if condition is None or not bodies:
        return dict(bodies)
    hidden = _hidden(condition, Relation.objects.filter(source_ref__in=entities.values("ref")).values("target_ref"))
    return {key: without(body, hidden) for key, body in bodies.items()} if hidden else dict(bodies)


def concealed_one_by_one(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yield the texts of ``(ref, text)``, a batch at a time, likewise. What is hidden is decided when it is called."""
    condition = allowed_filter(READ)

    def texts() -> Iterator[str]:
        while batch := dict(islice(rows, BATCH)):
            hidden: set[str] = set()
            if condition is not None:
                related = Relation.objects.filter(source_ref__in=list(batch)).values("target_ref")
                hidden = _hidden(condition, related)
            yield from (without(body, hidden) if hidden else body for body in batch.values())

    return texts()


def without(body: str, hidden: set[str]) -> str:
    """Answer an entity's text without its relations to hidden ones."""
    entity = orjson.loads(body)
    relations = entity.get("relations")
    if not relations:
        return body
    kept = [relation for relation in relations if relation["targetRef"].lower() not in hidden]
    if len(kept) == len(relations):
        return body
    entity["relations"] = kept
    return orjson.dumps(entity).decode()


def _hidden(condition: Q, refs: Iterable[str] | QuerySet[Any]) -> set[str]:
    wanted = refs if isinstance(refs, QuerySet) else list(refs)
    found = Entity.objects.filter(ref__in=wanted).exclude(pk__in=Entity.objects.filter(condition).values("pk"))
    return set(found.values_list("ref", flat=True))
