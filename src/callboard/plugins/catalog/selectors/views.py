"""Entities as pages and other rooms see them: a small object instead of raw JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
from django.urls import reverse

from callboard.lib.refs import EntityRef
from callboard.plugins.catalog.selectors.concealing import concealed
from callboard.plugins.catalog.selectors.querying import readable


@dataclass(frozen=True)
class EntityView:
    """One entity, read-only. ``data`` is the final entity as the API sends it."""

    ref: str
    uid: str
    kind: str
    namespace: str
    name: str
    title: str
    description: str
    type: str
    lifecycle: str
    owner_ref: str
    system_ref: str
    tags: tuple[str, ...]
    orphan: bool
    errors: int
    location: str
    line: int
    created_at: datetime
    changed_at: datetime
    text: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """The whole entity."""
        found: dict[str, Any] = orjson.loads(self.text)
        return found

    @property
    def label(self) -> str:
        """What people call it: its title, or its name."""
        return self.title or self.name

    @property
    def url(self) -> str:
        """The address of its page."""
        return entity_url(self.ref)

    @property
    def spec(self) -> dict[str, Any]:
        """Its spec, empty if it has none."""
        spec = self.data.get("spec")
        return spec if isinstance(spec, dict) else {}

    @property
    def metadata(self) -> dict[str, Any]:
        """Its metadata."""
        found: dict[str, Any] = self.data["metadata"]
        return found

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        found: dict[str, str] = self.metadata.get("annotations") or {}
        return found

    def related(self, relation_type: str) -> list[str]:
        """Answer the refs it stands in a relation of this type to."""
        return [r["targetRef"] for r in self.data.get("relations", ()) if r["type"] == relation_type]


def entity_url(ref: str) -> str:
    """Answer the address of an entity's page, whether it exists or not."""
    found = EntityRef.parse(ref, None, "default")
    return reverse("entity", args=[found.namespace.lower(), found.kind.lower(), found.name.lower()])


_COLUMNS = (
    "ref", "uid", "kind_name", "namespace", "display_name", "title", "description", "type", "lifecycle",
    "owner_ref", "system_ref", "tags", "orphan", "errors", "location", "line", "created_at", "changed_at",
    "body__json",
)  # fmt: skip


def _view(row: tuple[Any, ...]) -> EntityView:
    values = list(row)
    values[1] = str(values[1])
    values[11] = tuple(values[11])
    return EntityView(*values)


def entity_view(ref: str) -> EntityView | None:
    """Answer one entity, if the caller may see it."""
    return entity_views([ref]).get(ref.lower())


def entity_views(refs: list[str]) -> dict[str, EntityView]:
    """Answer many entities by ref in one query; hidden and missing ones are left out."""
    # A null byte stands in no ref, and the database does not even take the question.
    found = readable().filter(ref__in=[ref.lower() for ref in refs if "\0" not in ref])
    rows = {row[0]: row for row in found.values_list(*_COLUMNS)}
    bodies = concealed({ref: row[-1] for ref, row in rows.items()}, found)
    return {ref: _view((*row[:-1], bodies[ref])) for ref, row in rows.items()}


__all__ = ["EntityView", "entity_url", "entity_view", "entity_views"]
