"""Remove single entities, bring removed ones back, star favourites."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from callboard.plugins.catalog.models import Emission, Entity, Problem, Source, Star, Tombstone
from callboard.plugins.catalog.services.applying import announce, lock_catalog
from callboard.plugins.catalog.services.locations import LocationExistsError, register_location
from callboard.plugins.catalog.services.processing import wake
from callboard.plugins.catalog.services.removing import bury, collect_unreachable
from callboard.plugins.catalog.services.stitching import stitch_dirty
from callboard.plugins.catalog.services.writing import Applied
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.permissions import require

COMES_BACK = timedelta(seconds=2)


class NotRestorableError(Exception):
    """The entity cannot be brought back; the message says why."""


def remove_entity(ref: str) -> None:
    """Remove an entity. If its source still declares it, it comes back when the source is read next."""
    require("catalog.entity.delete", ref)
    done = Applied()
    with transaction.atomic():
        lock_catalog()
        entity = Entity.objects.filter(ref=ref).select_related("source").first()
        if entity is None:
            return
        source = entity.source
        Emission.objects.filter(ref=ref).delete()
        done.removed += bury([ref], reason="removed by hand")
        if ref.startswith("location:"):
            registered = Source.objects.filter(registered=True)
            for item in registered.filter(links=None).exclude(door="config"):
                # Removing the Location entity of a registration is unregistering it.
                item.registered = False
                item.save(update_fields=["registered"])
            collect_unreachable(done, reason="unregistered")
        if source is not None and source.type != "provider":
            Source.objects.filter(pk=source.pk).update(
                due_at=timezone.now() + COMES_BACK, fingerprint="", etag=""
            )
        record("catalog.entity.remove", ref)
        announce(done)
        wake()
    stitch_dirty()


def restore_entity(tombstone_id: int) -> str:
    """Bring a removed entity back by reading its source again, registering it if need be; answer its ref."""
    require("catalog.location.create")
    tombstone = Tombstone.objects.filter(pk=tombstone_id).first()
    if tombstone is None:
        raise NotRestorableError("there is no such tombstone")
    if tombstone.undo_until < timezone.now():
        raise NotRestorableError(f"the time to undo this ended on {tombstone.undo_until:%Y-%m-%d}")
    if not tombstone.source_target or tombstone.source_type == "provider":
        raise NotRestorableError("it came from a provider, which has to say it again")
    with transaction.atomic():
        source = Source.objects.filter(type=tombstone.source_type, target=tombstone.source_target).first()
        if source is None:
            try:
                register_location(tombstone.source_type, tombstone.source_target)
            except LocationExistsError:
                pass
        else:
            Source.objects.filter(pk=source.pk).update(due_at=timezone.now(), fingerprint="", etag="")
            wake()
        Tombstone.objects.filter(
            source_type=tombstone.source_type, source_target=tombstone.source_target, restored_at=None
        ).update(restored_at=timezone.now())
        record("catalog.entity.restore", tombstone.ref)
    return tombstone.ref


def star(ref: str, *, on: bool) -> None:
    """Put an entity among the caller's favourites, or take it from there."""
    who = principal().ref
    if on:
        Star.objects.get_or_create(user_ref=who, entity_ref=ref)
    else:
        Star.objects.filter(user_ref=who, entity_ref=ref).delete()


def dismiss_problem(problem_id: int) -> bool:
    """Take a rejected entity off the list until its source is read anew; answer whether there was one."""
    require("catalog.entities.unprocessed.delete")
    with transaction.atomic():
        problem = Problem.objects.filter(pk=problem_id).select_related("source").first()
        if problem is None:
            return False
        problem.delete()
        Source.objects.filter(pk=problem.source_id).update(fingerprint="", etag="")
        record("catalog.problem.dismiss", problem.ref or str(problem.source), {"code": problem.code})
    return True
