"""List entities as search documents, with the fields that clients of the original know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.models import Entity
from callboard.plugins.catalog.selectors.views import entity_url
from callboard.sdk.contributions import SearchDocument

TYPE = "software-catalog"
_WEIGHT = {
    "component": 1.2,
    "system": 1.15,
    "api": 1.1,
    "template": 1.1,
    "domain": 1.05,
    "group": 1.05,
    "user": 1.0,
    "location": 0.3,
}
_COLUMNS = (
    "ref", "kind_name", "namespace", "display_name", "title", "description", "type", "lifecycle", "owner_ref",
    "system_ref", "tags", "fields", "changed_at",
)  # fmt: skip


def documents() -> Iterator[SearchDocument]:
    """List every entity."""
    yield from _listed(Entity.objects.order_by("id"))


def documents_of(refs: Sequence[str]) -> Iterator[SearchDocument]:
    """List the entities among these refs."""
    yield from _listed(Entity.objects.filter(ref__in=refs))


def _listed(entities: QuerySet[Entity]) -> Iterator[SearchDocument]:
    for row in entities.values(*_COLUMNS).iterator(chunk_size=2_000):
        yield _document(row)


def _document(row: dict[str, Any]) -> SearchDocument:
    kind = row["kind_name"].lower()
    said: dict[str, Any] = row["fields"]
    person = [_one(said.get(f"spec.profile.{name}")) for name in ("displayname", "email")]
    name = row["display_name"]
    title = row["title"] or (person[0] if kind in {"user", "group"} else "") or name
    text = row["description"]
    if kind == "user" and not text:
        text = " : ".join(part for part in person if part)
    if kind == "location" and not text:
        text = _one(said.get("spec.target"))
    return SearchDocument(
        title=title,
        text=text,
        location=entity_url(row["ref"]),
        key=row["ref"],
        ref=row["ref"],
        authorization_ref=row["ref"],
        owner=row["owner_ref"],
        changed_at=row["changed_at"],
        weight=_WEIGHT.get(kind, 1.0),
        keywords=" ".join(
            part
            for part in (
                name,
                *person,
                *row["tags"],
                row["type"],
                kind,
                _short(row["system_ref"]),
                _one(said.get("metadata.annotations.github.com/project-slug")),
            )
            if part
        ),
        fields={
            "kind": row["kind_name"],
            "namespace": row["namespace"],
            "name": name,
            "type": row["type"] or "other",
            "componentType": row["type"] or "other",
            "lifecycle": row["lifecycle"],
            "owner": _one(said.get("spec.owner")) or row["owner_ref"],
            "system": _short(row["system_ref"]),
            "tag": row["tags"],
            "ref": row["ref"],
        },
    )


def _one(value: Any) -> str:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, str) else ""


def _short(ref: str) -> str:
    try:
        return EntityRef.parse(ref, "system").name if ref else ""
    except RefError:
        return ""
