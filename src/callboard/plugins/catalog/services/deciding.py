"""Decide on deletions that are held: let them happen, or keep the entities."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from callboard.plugins.catalog.models import Entity, Hold
from callboard.plugins.catalog.services.applying import apply
from callboard.plugins.catalog.services.stitching import lock_catalog, stitch_dirty
from callboard.plugins.catalog.types.emitted import SourceReading
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.permissions import NotAllowedError, allowed_filter, require


class HoldMissingError(LookupError):
    """There is no such held deletion; it may have been decided, or what was missing came back."""


def confirm_deletion(uid: str) -> list[str]:
    """Let the entities of a held deletion go, as their source says; answer the refs that are gone.

    ``uid`` is the id of the source. Raises :class:`HoldMissingError`, and :class:`NotAllowedError` when there
    are entities among them that the caller may not remove.
    """
    require("catalog.deletion.decide")
    with transaction.atomic():
        lock_catalog()
        hold = _hold(uid)
        _require_all(hold.refs)
        refs, source = tuple(hold.refs), hold.source
        hold.delete()
        reading = SourceReading(source.pk, removed=refs, delta=True)
        reading.etag, reading.fingerprint, reading.files = source.etag, source.fingerprint, tuple(source.files)
        done = apply([reading])
        record("catalog.deletion.confirm", str(source), {"removed": len(done.removed)})
    stitch_dirty()
    return done.removed


def keep_entities(uid: str) -> int:
    """Keep the entities of a held deletion until their source brings them back; answer how many.

    Should the source lose even more, that is held anew. Raises :class:`HoldMissingError`.
    """
    require("catalog.deletion.decide")
    with transaction.atomic():
        lock_catalog()
        hold = _hold(uid)
        Hold.objects.filter(pk=hold.pk).update(state="kept", decided_by=principal().ref)
        record("catalog.deletion.keep", str(hold.source), {"kept": len(hold.refs)})
    return len(hold.refs)


def _require_all(refs: list[str]) -> None:
    condition = allowed_filter("catalog.entity.delete")
    if condition is None:
        return
    there = Entity.objects.filter(ref__in=refs)
    if there.exclude(condition).exists():
        raise NotAllowedError("catalog.entity.delete", "you do not own all the entities that would go")


def _hold(uid: str) -> Hold:
    try:
        hold = Hold.objects.select_related("source").filter(source__uid=UUID(uid)).first()
    except ValueError:
        hold = None
    if hold is None:
        raise HoldMissingError(f"no deletion of a source with id {uid[:100]} is held")
    return hold
