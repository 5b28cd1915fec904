"""Keep what the caller may not see out of what others say of it: inverse relations name whoever declared them.

An entity's own words (its spec, and the relations it declares by it) stay as they are: they are visible because the
entity is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import orjson
from django.db.models import F, Q, QuerySet

from callboard.lib.refs import EntityRef
from callboard.plugins.catalog.models import Entity, Relation
from callboard.sdk.permissions import allowed_filter

READ = "catalog.entity.read"
BATCH = 500

K = TypeVar("K")
Triple = tuple[str, str, str]


def hidden_among(refs: Iterable[str] | QuerySet[Any]) -> set[str]:
    """Answer those refs that exist but that the caller may not see; whoever sees everything costs no query."""
    condition = allowed_filter(READ)
    return set() if condition is None else _hidden(condition, refs)


def concealed(bodies: Mapping[K, str], entities: QuerySet[Entity]) -> dict[K, str]:
    """Answer entities as JSON texts without the relations that hidden entities declared.

    ``entities`` are those that the texts are of. Texts are read and written anew only where something is hidden.
    """
    condition = allowed_filter(READ)
    if condition is None or not bodies:
        return dict(bodies)
    gone = _declared_by_hidden(condition, entities.values("ref"))
    return {key: _without(body, gone) for key, body in bodies.items()} if gone else dict(bodies)


def concealed_one_by_one(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yield the texts of ``(ref, text)``, a batch at a time, likewise. What is hidden is decided when it is called."""
    condition = allowed_filter(READ)

    def texts() -> Iterator[str]:
        while batch := dict(islice(rows, BATCH)):
            gone = _declared_by_hidden(condition, list(batch)) if condition is not None else set()
            yield from (_without(body, gone) if gone else body for body in batch.values())

    return texts()


def _declared_by_hidden(condition: Q, refs: list[str] | QuerySet[Any]) -> set[Triple]:
    """Answer the relations of some entities that nobody but hidden entities declares."""
    rows = Relation.objects.filter(source_ref__in=refs).exclude(origin_ref=F("source_ref"))
    readable = Entity.objects.filter(condition).values("ref")
    foreign = rows.filter(origin_ref__in=Entity.objects.values("ref")).exclude(origin_ref__in=readable)
    gone = set(foreign.values_list("source_ref", "type", "target_ref"))
    if gone:
        own = Relation.objects.filter(source_ref__in={source for source, _, _ in gone}, origin_ref=F("source_ref"))
        gone -= set(own.values_list("source_ref", "type", "target_ref"))
    return gone


def _without(body: str, gone: set[Triple]) -> str:
    entity = orjson.loads(body)
    relations = entity.get("relations")
    if not relations:
        return body
    ref = str(EntityRef.of(entity)).lower()
    kept = [item for item in relations if (ref, item["type"], item["targetRef"].lower()) not in gone]
    if len(kept) == len(relations):
        return body
    entity["relations"] = kept
    return orjson.dumps(entity).decode()


def _hidden(condition: Q, refs: Iterable[str] | QuerySet[Any]) -> set[str]:
    wanted = refs if isinstance(refs, QuerySet) else list(refs)
    found = Entity.objects.filter(ref__in=wanted).exclude(pk__in=Entity.objects.filter(condition).values("pk"))
    return set(found.values_list("ref", flat=True))
