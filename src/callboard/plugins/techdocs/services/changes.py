"""Notice that documentation may have changed: entities, local folders, pushes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from callboard.plugins.catalog.public import entity_views
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sources import docs_source, settings
from callboard.plugins.techdocs.services.building import NoDocsError, forget_sites, request_build


def follow_entities(payload: dict[str, Any]) -> None:
    """Build the sites of entities whose documentation comes from elsewhere now, and drop those of the removed.

    The first build waits for the first reader, or for the schedule; so a catalog of thousands costs nothing
    when it is imported.
    """
    removed = payload.get("removed") or []
    if removed:
        forget_sites(removed)
    changed = [*(payload.get("created") or []), *(payload.get("changed") or [])]
    known = dict(Site.objects.filter(ref__in=changed, version="").values_list("ref", "target"))
    new: list[Site] = []
    for ref, entity in entity_views(changed).items():
        source = docs_source(entity)
        if source is None or source.kind == "borrowed":
            continue
        if ref not in known:
            new.append(Site(ref=ref, kind=source.kind, target=source.target))
        elif (known[ref] != source.target or source.kind == "openapi") and settings().builder == "local":
            try:
                request_build(ref)
            except NoDocsError:
                continue
    if settings().builder == "local":
        Site.objects.bulk_create(new, ignore_conflicts=True)


def watched_folders() -> tuple[Path, ...]:
    """Answer the local folders of all sites, none inside another."""
    found = sorted({Path(path) for path in Site.objects.exclude(local="").values_list("local", flat=True)})
    kept: list[Path] = []
    for path in found:
        if path.is_dir() and not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return tuple(kept)


def affected_sites(paths: Iterable[Path]) -> list[str]:
    """Answer the sites that may be made of one of these files."""
    changed = list(paths)
    rows = Site.objects.exclude(local="").filter(version="").values_list("ref", "local")
    return sorted({ref for ref, local in rows if any(path.is_relative_to(local) for path in changed)})
