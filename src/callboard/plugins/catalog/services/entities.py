"""Remove single entities, bring removed ones back, star favourites."""

from __future__ import annotations

import contextlib

import orjson
from django.db import transaction
from django.utils import timezone

from callboard.lib.refs import LocationRef, RefError
from callboard.plugins.catalog.clients.types import LOCATION_TYPES
from callboard.plugins.catalog.models import Emission, Entity, Problem, Source, Star, Tombstone
from callboard.plugins.catalog.services.applying import announce
from callboard.plugins.catalog.services.locations import LocationExistsError, register_location, unregister_location
from callboard.plugins.catalog.services.processing import wake
from callboard.plugins.catalog.services.pushing import push_to
from callboard.plugins.catalog.services.reading import MANAGED_BY_ORIGIN
from callboard.plugins.catalog.services.removing import GONE_FROM_SOURCE, bury, collect_unreachable
from callboard.plugins.catalog.services.stitching import lock_catalog, stitch_dirty
from callboard.plugins.catalog.services.targets import REGISTERED
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.types.pushing import PREFIX
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.permissions import require


class NotRestorableError(Exception):
    """The entity cannot be brought back; the message says why."""


def remove_entity(ref: str) -> None:
    """Remove an entity. If its source still declares it, it comes back when the source is read next.

    Removing the Location entity of a registration is unregistering that location.
    """
    require("catalog.entity.delete", ref)
    registration = _registration_behind(ref)
    if registration is not None:
        unregister_location(str(registration.uid))
        return
    done = Applied()
    with transaction.atomic():
        lock_catalog()
        entity = Entity.objects.filter(ref=ref).select_related("source").first()
        if entity is None:
            return
        speakers = list(Emission.objects.filter(ref=ref).values_list("source_id", flat=True))
        Emission.objects.filter(ref=ref).delete()
        done.removed += bury([ref], reason="removed by hand")
        if ref.startswith("location:"):
            collect_unreachable(done)
        Source.objects.filter(pk__in=speakers).exclude(type="provider").update(
            due_at=timezone.now(), fingerprint="", etag=""
        )
        record("catalog.entity.remove", ref)
        announce(done)
        wake()
    stitch_dirty()


def _registration_behind(ref: str) -> Source | None:
    if not ref.startswith("location:default/generated-"):
        return None
    emission = Emission.objects.filter(ref=ref, source__type="provider", source__target=REGISTERED).first()
    if emission is None:
        return None
    spec = orjson.loads(emission.entity)["spec"]
    return Source.objects.filter(type=spec["type"], target=spec["target"], registered=True).first()


def restore_entity(tombstone_id: int) -> str:
    """Bring a removed entity back by reading its source again; answer its ref.

    When the registration it came through is gone, that is registered again, and everything it
    brought comes back with it. Raises :class:`NotRestorableError` where this cannot help.
    """
    require("catalog.location.create")
    tombstone = Tombstone.objects.filter(pk=tombstone_id).first()
    if tombstone is None:
        raise NotRestorableError("there is no such tombstone")
    if tombstone.undo_until < timezone.now():
        raise NotRestorableError(f"the time to undo this ended on {tombstone.undo_until:%Y-%m-%d}")
    with transaction.atomic():
        source = Source.objects.filter(type=tombstone.source_type, target=tombstone.source_target).first()
        if source is not None and source.type != "provider":
            if tombstone.reason == GONE_FROM_SOURCE:
                raise NotRestorableError(f"{source} no longer declares it; declare it there again")
            Source.objects.filter(pk=source.pk).update(due_at=timezone.now(), fingerprint="", etag="")
            wake()
        elif tombstone.source_target.startswith(PREFIX):
            _say_again(tombstone)
        else:
            location = _origin_of(tombstone)
            if location is None or location.type not in LOCATION_TYPES:
                raise NotRestorableError("it came from a provider, which has to say it again")
            with contextlib.suppress(LocationExistsError):
                register_location(location.type, location.target)
        record("catalog.entity.restore", tombstone.ref)
    return tombstone.ref


def _say_again(tombstone: Tombstone) -> None:
    """Put an entity that was pushed back into its set: the set is the portal's own, there is nothing to read."""
    entity = orjson.loads(tombstone.entity)
    pushed = push_to(tombstone.source_target.removeprefix(PREFIX), [entity])
    bad = [p.message for item in pushed.items if item.result == "rejected" for p in item.problems]
    if bad:
        raise NotRestorableError(bad[0])


def _origin_of(tombstone: Tombstone) -> LocationRef | None:
    annotations = orjson.loads(tombstone.entity)["metadata"].get("annotations") or {}
    try:
        return LocationRef.parse(annotations.get(MANAGED_BY_ORIGIN, ""))
    except RefError:
        return None


def star(ref: str, *, on: bool) -> None:
    """Put an entity among the caller's favourites, or take it from there."""
    who = principal().ref
    if on:
        Star.objects.get_or_create(user_ref=who, entity_ref=ref)
    else:
        Star.objects.filter(user_ref=who, entity_ref=ref).delete()


def star_all(refs: list[str]) -> None:
    """Put entities among the caller's favourites."""
    who = principal().ref
    Star.objects.bulk_create([Star(user_ref=who, entity_ref=ref) for ref in refs], ignore_conflicts=True)


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
