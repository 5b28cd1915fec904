"""Where entities come from: registrations, sources and how they are."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Count, QuerySet
from django.utils import timezone

from callboard.lib.refs import LocationRef, RefError
from callboard.plugins.catalog.models import Entity, Source
from callboard.plugins.catalog.types.predicates import Predicate, matches
from callboard.sdk.permissions import allowed_filter


def registered() -> QuerySet[Source]:
    """Answer the registered locations, oldest first; none to those who may not see locations."""
    condition = allowed_filter("catalog.location.read")
    found = Source.objects.filter(registered=True).order_by("id")
    return found if condition is None else found.filter(condition)


def registered_by_id(text: str) -> Source | None:
    """Answer one registered location by the id that clients know."""
    try:
        uid = uuid.UUID(text)
    except ValueError:
        return None
    return registered().filter(uid=uid).first()


def page_of_registered(predicate: Predicate | None, limit: int, after: int) -> tuple[list[Source], int, int | None]:
    """Answer a page of registered locations, how many match, and where the next page starts."""
    if predicate is None:
        total = registered().count()
        found = list(registered().filter(pk__gt=after)[: limit + 1])
    else:
        # Registrations are few compared with entities, and predicates on them are rare.
        fitting = [s for s in registered() if matches(predicate, _as_object(s))]
        total = len(fitting)
        found = [s for s in fitting if s.pk > after][: limit + 1]
    more = len(found) > limit
    return found[:limit], total, found[limit - 1].pk if more and limit else None


def _as_object(source: Source) -> dict[str, Any]:
    return {"id": str(source.uid), "type": source.type, "target": source.target}


def registration_of(ref: str) -> Source | None:
    """Answer the registered location that an entity the caller may see came through."""
    condition = allowed_filter("catalog.entity.read")
    found = Entity.objects.filter(ref=ref).select_related("source", "body")
    entity = (found if condition is None else found.filter(condition)).first()
    if entity is None:
        return None
    origin = entity.source.origin if entity.source else ""
    if not origin:
        # What a provider brought says itself where it comes from: Location entities of registrations do.
        annotations = orjson.loads(entity.body.json)["metadata"].get("annotations") or {}
        origin = annotations.get("backstage.io/managed-by-origin-location", "")
    try:
        where = LocationRef.parse(origin)
    except RefError:
        return None
    return registered().filter(type=where.type, target=where.target).first()


def sources_overview(text: str = "", state: str = "") -> QuerySet[Source]:
    """Answer all locations with their counts of entities and problems, troubled ones first.

    ``state`` is ``failing``, ``waiting``, ``problems`` or empty for all.
    """
    found = Source.objects.exclude(type="provider").annotate(
        entity_count=Count("emissions", distinct=True), problem_count=Count("problems", distinct=True)
    )
    if text:
        found = found.filter(target__icontains=text)
    if state == "failing":
        found = found.filter(failures__gt=0)
    elif state == "waiting":
        found = found.filter(due_at__lte=timezone.now())
    elif state == "problems":
        found = found.filter(problem_count__gt=0)
    return found.order_by("-failures", "-problem_count", "type", "target")


def watched_files() -> dict[str, list[int]]:
    """Answer every local file that sources depend on, with the sources."""
    watched: dict[str, list[int]] = {}
    for pk, files in Source.objects.filter(type="file").values_list("pk", "files"):
        for path in files:
            watched.setdefault(path, []).append(pk)
    return watched


def watched_targets() -> dict[int, str]:
    """Answer the targets of all local sources: a new file may come to match one of them."""
    return dict(Source.objects.filter(type="file").values_list("pk", "target"))


def static_part(target: str) -> str:
    """Answer the directory a pattern starts from."""
    return re.split(r"[*?{\[]", target, maxsplit=1)[0].rpartition("/")[0] or "/"


def last_reading() -> datetime | None:
    """Answer when any source was last read."""
    return Source.objects.exclude(read_at=None).order_by("-read_at").values_list("read_at", flat=True).first()
