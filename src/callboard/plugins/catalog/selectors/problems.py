"""What could not be used, and why: the ingestion page and the unprocessed entities of the API."""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import Count, Q, QuerySet

from callboard.lib.refs import RefError, canonical
from callboard.plugins.catalog.models import Emission, Entity, Problem, Source
from callboard.sdk.permissions import allowed_filter, decide

MAX_LISTED = 1000


def problems(text: str = "", code: str = "", source_id: int | None = None) -> QuerySet[Problem]:
    """Answer problems, newest first; those of entities the caller may not see are left out."""
    found = Problem.objects.select_related("source").order_by("-first_seen_at", "-id")
    condition = allowed_filter("catalog.entity.read")
    if decide("catalog.entity.read").result == "deny":
        return found.none()
    if condition is not None:
        hidden = Entity.objects.exclude(condition).values("ref")
        found = found.exclude(ref__in=hidden)
    if text:
        found = found.filter(
            Q(message__icontains=text)
            | Q(ref__icontains=text)
            | Q(url__icontains=text)
            | Q(source__target__icontains=text)
        )
    if code:
        found = found.filter(code=code)
    if source_id is not None:
        found = found.filter(source_id=source_id)
    return found


def problem_counts() -> list[tuple[str, int]]:
    """Answer how many problems there are of each code, most frequent first."""
    rows = problems().order_by().values_list("code").annotate(n=Count("id")).order_by("-n", "code")
    return list(rows)


def failed_entities(owner: str = "") -> list[dict[str, Any]]:
    """Answer rejected entities in the shape that clients know."""
    rows = list(problems().exclude(document=None).filter(severity="error")[:MAX_LISTED])
    emitted = dict(Emission.objects.filter(ref__in=[r.ref for r in rows]).values_list("ref", "entity"))
    found = []
    for row in rows:
        document = row.document if isinstance(row.document, dict) else {}
        if owner and _owner_of(document) != owner.lower():
            continue
        good = emitted.get(row.ref)
        found.append(
            {
                "entity_id": str(row.pk),
                "entity_ref": row.ref,
                "unprocessed_entity": document,
                "processed_entity": orjson.loads(good) if good else None,
                "errors": [{"name": "InputError", "message": row.message, "code": row.code}],
                "next_update_at": row.source.due_at.isoformat() if row.source.due_at else None,
                "last_discovery_at": row.first_seen_at.isoformat(),
                "location_key": str(row.source),
            }
        )
    return found


def _owner_of(document: dict[str, Any]) -> str:
    spec = document.get("spec")
    owner = spec.get("owner") if isinstance(spec, dict) else None
    try:
        metadata = document.get("metadata")
        namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
        return (
            canonical(owner, "group", namespace if isinstance(namespace, str) else None)
            if isinstance(owner, str)
            else ""
        )
    except RefError:
        return ""


def pending_entities() -> list[dict[str, Any]]:
    """Answer locations that were never read, in the shape that clients know."""
    if not decide("catalog.location.read").allowed:
        return []
    rows = Source.objects.filter(read_at=None).exclude(type="provider").order_by("id")[:MAX_LISTED]
    return [
        {
            "entity_id": str(row.uid),
            "entity_ref": "",
            "unprocessed_entity": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Location",
                "spec": {"type": row.type, "target": row.target},
            },
            "errors": [],
            "next_update_at": row.due_at.isoformat() if row.due_at else None,
            "last_discovery_at": row.created_at.isoformat(),
            "location_key": str(row),
        }
        for row in rows
    ]
