"""Say where the documentation of an entity comes from."""

from __future__ import annotations

from dataclasses import dataclass

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.public import EntityView
from callboard.plugins.techdocs.settings import TechdocsSettings
from callboard.plugins.techdocs.types.layout import ENTITY_ANNOTATION, PATH_ANNOTATION, REF_ANNOTATION
from callboard.sdk.config import room_settings

ADR_ANNOTATION = "backstage.io/adr-location"


@dataclass(frozen=True, slots=True)
class DocsSource:
    """Where documentation comes from: its kind, what is read, and whose site it is.

    For an entity that borrows another's site, ``ref`` is that entity and ``path`` the page to begin with.
    """

    kind: str
    target: str
    ref: str
    path: str = ""


def settings() -> TechdocsSettings:
    """Answer the settings of the documentation."""
    found: TechdocsSettings = room_settings("techdocs")
    return found


def docs_source(entity: EntityView) -> DocsSource | None:
    """Answer where the documentation of an entity comes from, or nothing if it has none."""
    notes = entity.annotations
    borrowed = str(notes.get(ENTITY_ANNOTATION) or "").strip()
    if borrowed:
        try:
            ref = str(EntityRef.parse(borrowed, entity.kind, entity.namespace)).lower()
        except RefError:
            ref = ""
        if ref and ref != entity.ref:
            return DocsSource("borrowed", "", ref, str(notes.get(PATH_ANNOTATION) or "").strip("/"))
    target = str(notes.get(REF_ANNOTATION) or "").strip()
    if target:
        return DocsSource("mkdocs", target, entity.ref)
    decisions = str(notes.get(ADR_ANNOTATION) or "").strip()
    if decisions:
        web = decisions.startswith(("https://", "http://"))
        return DocsSource("adr", f"url:{decisions}" if web else f"dir:{decisions}", entity.ref)
    definition = entity.spec.get("definition")
    if entity.kind == "API" and entity.type.lower() == "openapi" and isinstance(definition, str) and definition.strip():
        return DocsSource("openapi", "", entity.ref)
    return None


def has_docs(entity: EntityView) -> bool:
    """Whether an entity has documentation."""
    return docs_source(entity) is not None
