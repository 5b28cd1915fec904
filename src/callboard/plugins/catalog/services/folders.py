"""Read the folder an entity's source lies in, for rooms that show what stands beside the catalog file."""

from __future__ import annotations

from collections.abc import Sequence

from callboard.lib.refs import LocationRef, RefError
from callboard.plugins.catalog.clients.folders import FolderResult, RefName, folder_file
from callboard.plugins.catalog.clients.types import LocationTarget, ReadError
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.selectors.pages.entity import source_of
from callboard.plugins.catalog.selectors.views import EntityView
from callboard.plugins.catalog.services.reading import MANAGED_BY, SOURCE_LOCATION, reader_for


def read_entity_folder(
    entity: EntityView, target: str, patterns: Sequence[str], *, etag: str = "", version: str = ""
) -> FolderResult:
    """Read files of a folder: ``dir:<path relative to the entity's source>`` or ``url:<address of a folder>``.

    ``patterns`` are relative to the folder. With the ``etag`` of an earlier result an unchanged folder answers
    ``not_modified`` and no files. Raises :class:`ReadError` with the remedy when nothing can be read.
    """
    base, folder, source = _place(entity, target)
    return reader_for(source).folders.read(base, folder, patterns, etag, version)


def entity_folder_versions(entity: EntityView, target: str) -> list[RefName]:
    """List branches and tags a folder can be read at; none for local folders. Raises :class:`ReadError`."""
    base, _, source = _place(entity, target)
    return reader_for(source).folders.refs(base)


def _place(entity: EntityView, target: str) -> tuple[LocationTarget, str, Source]:
    kind, _, rest = target.partition(":")
    source = source_of(entity.ref) or Source(type="provider", target="")
    if kind == "url":
        return folder_file(LocationTarget("url", rest)), ".", source
    if kind != "dir":
        raise ReadError(
            "unknown-type", f"{target} has the unknown type {kind}.", "Use dir:<path> or url:<address>.", url=target
        )
    if rest.startswith("/"):
        raise ReadError("refused", f"{target} is not relative.", "Use a path relative to the catalog file.", url=target)
    return _base(entity), rest or ".", source


def _base(entity: EntityView) -> LocationTarget:
    """Answer the file that relative paths start from: what the author named, or the catalog file."""
    own = _location(entity.annotations.get(SOURCE_LOCATION, ""))
    file = _location(entity.annotations.get(MANAGED_BY, ""))
    if file is None:
        raise ReadError(
            "not-found",
            f"{entity.ref} names no file it comes from.",
            "Use url:<address of the folder>.",
            url=entity.ref,
        )
    if own is not None and own.type == "url" and own.target.endswith("/"):
        return folder_file(own)
    return file


def _location(text: str) -> LocationTarget | None:
    try:
        found = LocationRef.parse(text)
    except RefError:
        return None
    return LocationTarget(found.type, found.target)


__all__ = ["FolderResult", "ReadError", "RefName", "entity_folder_versions", "read_entity_folder"]
