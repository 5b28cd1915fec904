"""Say which sources a Location entity names."""

from __future__ import annotations

from callboard.lib.refs import LocationRef
from callboard.plugins.catalog.clients.reading import Reader
from callboard.plugins.catalog.clients.types import LocationTarget, ReadError, ReadingLimits
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.types.emitted import EmittedEntity

REGISTERED = "registered-locations"
"""The provider whose bucket holds a Location entity for every registered location."""

_RESOLVER = Reader(ReadingLimits())
"""Resolving is arithmetic on names; nothing is read, so no limits matter."""


def targets_of(emitted: EmittedEntity, source: Source) -> list[tuple[LocationTarget, str]]:
    """Answer ``(target, presence)`` for all that a Location entity names, relative ones resolved.

    Without a type it is that of the file the entity stands in. A target that cannot be resolved is
    kept as it is written, so that reading it says what is wrong.
    """
    spec = emitted.entity.get("spec") or {}
    presence = "optional" if spec.get("presence") == "optional" else "required"
    named = [spec["target"]] if spec.get("target") else []
    named += [target for target in spec.get("targets") or [] if target]
    found: dict[LocationTarget, str] = {}
    for target in named:
        found.setdefault(_resolved(str(target), spec.get("type"), emitted, source), presence)
    return list(found.items())


def _resolved(target: str, declared: str | None, emitted: EmittedEntity, source: Source) -> LocationTarget:
    if source.type == "provider":
        return LocationTarget(declared or "url", target)
    base = LocationRef.parse(emitted.location)
    here = LocationTarget(base.type, base.target)
    relative = "://" not in target and not target.startswith("/")
    # A relative target means a neighbour, whatever type is written beside it.
    if relative or declared in (None, "", here.type):
        try:
            return _RESOLVER.resolve(here, target)
        except ReadError:
            return LocationTarget(here.type, target)
    return LocationTarget(declared, target)
