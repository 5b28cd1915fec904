"""Bring the sections of all documentation into the portal's search, each with its own anchor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from callboard.plugins.catalog.public import EntityView, entity_views
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sites import page_dates, readable_sites
from callboard.plugins.techdocs.services.finding import sections
from callboard.plugins.techdocs.services.reading import page_url
from callboard.plugins.techdocs.types.layout import SiteKey
from callboard.sdk.contributions import SearchDocument
from callboard.sdk.search import refresh

TYPE = "techdocs"
_BATCH = 200
_LONGEST = 20_000


def documents() -> Iterator[SearchDocument]:
    """Yield every section of every site."""
    yield from _documents(readable_sites())


def documents_of(refs: Sequence[str]) -> Iterator[SearchDocument]:
    """Yield the sections of the sites of some entities."""
    yield from _documents(readable_sites(list(refs)))


def follow_site(payload: dict[str, Any]) -> None:
    """Let a new build be found at once; versions beside the usual one are not in the index."""
    if not payload.get("version"):
        refresh(TYPE, [str(payload["ref"])])


def follow_entities(payload: dict[str, Any]) -> None:
    """Renew what documentation says of its entity, and drop that of the removed."""
    changed = [*(payload.get("changed") or []), *(payload.get("removed") or [])]
    built = {site.ref for site in readable_sites(changed)} | set(payload.get("removed") or [])
    if built:
        refresh(TYPE, sorted(built))


def _documents(sites: Iterable[Site]) -> Iterator[SearchDocument]:
    waiting: list[Site] = []
    for site in sites:
        waiting.append(site)
        if len(waiting) >= _BATCH:
            yield from _batch(waiting)
            waiting = []
    yield from _batch(waiting)


def _batch(sites: list[Site]) -> Iterator[SearchDocument]:
    entities = entity_views([site.ref for site in sites])
    for site in sites:
        entity = entities.get(site.ref)
        if entity is not None:
            yield from _sections(site, entity)


def _sections(site: Site, entity: EntityView) -> Iterator[SearchDocument]:
    key = SiteKey(site.ref)
    dates = page_dates(site)
    title = site.title or entity.label
    for section in sections(site):
        location = page_url(key, section.path, f"#{section.anchor}" if section.anchor else "")
        page = section.page or title
        yield SearchDocument(
            title=section.title or page,
            text=section.text[:_LONGEST],
            location=location,
            ref=site.ref,
            keywords=f"{page} {title} {entity.label}",
            authorization_ref=site.ref,
            owner=entity.owner_ref,
            changed_at=dates.get(section.path),
            weight=1.0 if section.title == page else 0.8,
            fields={
                "kind": entity.kind,
                "namespace": entity.namespace,
                "name": entity.name,
                "entityTitle": entity.label,
                "componentType": entity.type,
                "lifecycle": entity.lifecycle,
                "owner": entity.owner_ref,
                "path": section.path,
            },
        )
