"""Register, unregister and refresh locations; look at what one would bring before it is registered."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.refs import LocationRef, RefError
from callboard.plugins.catalog.clients.types import LOCATION_TYPES, LocationTarget
from callboard.plugins.catalog.models import Entity, Source
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.services.applying import announce, apply
from callboard.plugins.catalog.services.processing import process_due, wake
from callboard.plugins.catalog.services.reading import Origin, emit, model_fingerprint, read_source, read_text, settings
from callboard.plugins.catalog.services.removing import collect_unreachable
from callboard.plugins.catalog.services.rules import absolute
from callboard.plugins.catalog.services.stitching import lock_catalog, stitch_dirty
from callboard.plugins.catalog.services.targets import REGISTERED, targets_of
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.types.emitted import EmittedEntity, EmittedNote, EmittedProblem, SourceReading
from callboard.plugins.catalog.types.envelope import check_envelope
from callboard.sdk.audit import record
from callboard.sdk.auth import acting, principal
from callboard.sdk.events import publish
from callboard.sdk.permissions import NotAllowedError, require

PREVIEW_SOURCES = 200


class LocationExistsError(Exception):
    """The location is registered already."""


class LocationMissingError(Exception):
    """No such location is registered."""


class ReadOnlyError(NotAllowedError):
    """The catalog is configured not to take registrations."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission, "the catalog is configured as read-only")


@dataclass
class Preview:
    """What a location would bring: entities, and problems with the rest; nothing is written."""

    entities: list[EmittedEntity]
    problems: list[EmittedProblem]
    exists: bool
    location: LocationTarget
    notes: list[EmittedNote] = field(default_factory=list)


def location_entity_name(type_: str, target: str) -> str:
    """Answer the name of the Location entity that stands for a registered location."""
    return "generated-" + hashlib.sha1(f"{type_}:{target}".encode(), usedforsecurity=False).hexdigest()


def location_entity_ref(type_: str, target: str) -> str:
    """Answer the ref of the Location entity that stands for a registered location."""
    return f"location:default/{location_entity_name(type_, target)}"


def check_location(type_: str, target: str) -> LocationTarget:
    """Answer the location if it can be one; raise :class:`ProblemError` otherwise."""
    if type_ not in LOCATION_TYPES:
        raise ProblemError(
            Problem(
                "unknown-type",
                f"Registered locations must be of type {', '.join(LOCATION_TYPES)}; got {type_!r}.",
                "Use url for the address of a YAML file, git for a repository, file for a local path.",
                Place(path="type"),
            )
        )
    try:
        LocationRef.of(type_, target)
    except RefError as error:
        raise ProblemError(
            Problem("invalid-target", str(error), "Give a path or an address.", Place(path="target"))
        ) from error
    if "\0" in target:
        raise ProblemError(
            Problem("invalid-target", "The target has a null character.", "Remove it.", Place(path="target"))
        )
    if type_ == "url" and not target.lower().startswith(("http://", "https://")):
        raise ProblemError(
            Problem(
                "invalid-target",
                f"{target} is not an http or https address.",
                "Paste the address of a catalog-info.yaml file as the browser shows it.",
                Place(path="target"),
            )
        )
    return LocationTarget(type_, target)


def register_location(type_: str, target: str, presence: str = "required") -> Source:
    """Register a location; its entities follow within moments. Raises :class:`LocationExistsError`."""
    require("catalog.location.create")
    location = check_location(type_, target)
    if settings().readonly:
        raise ReadOnlyError("catalog.location.create")
    with transaction.atomic():
        lock_catalog()
        source = _register(location, presence)
        details = {"type": location.type, "target": location.target}
        record("catalog.location.register", str(location), details)
        publish("catalog.location-registered", {"id": str(source.uid), **details})
        wake()
    return source


def register_file(type_: str, target: str) -> Source:
    """Register a location if it is not registered yet, and read it now; answer it."""
    require("catalog.location.create")
    try:
        source = register_location(type_, target)
    except LocationExistsError:
        source = Source.objects.get(type=type_, target=target)
    process_due(only=[source.pk])
    return source


def _register(location: LocationTarget, presence: str) -> Source:
    existing = Source.objects.filter(type=location.type, target=location.target).first()
    if existing and existing.registered:
        raise LocationExistsError(f"Location {location} is already registered.")
    now = acting()
    source = existing or Source(type=location.type, target=location.target)
    source.registered = True
    source.registered_at = timezone.now()
    source.registered_by = now.principal.ref
    source.door = now.door
    source.presence = presence
    # Whoever may do everything may also say who the people are.
    source.trusted = source.trusted or now.principal.administrator
    source.origin = str(location)
    source.due_at = timezone.now()
    source.save()
    _emit_location(location, presence)
    return source


def location_entity(location: LocationTarget, presence: str = "required") -> dict[str, Any]:
    """Answer the Location entity that stands for a registered location."""
    where = str(location)
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Location",
        "metadata": {
            "name": location_entity_name(location.type, location.target),
            "namespace": "default",
            "annotations": {
                "backstage.io/managed-by-location": where,
                "backstage.io/managed-by-origin-location": where,
            },
        },
        "spec": {"type": location.type, "target": location.target}
        | ({"presence": presence} if presence != "required" else {}),
    }


def _emit_location(location: LocationTarget, presence: str) -> Applied:
    bucket, _ = Source.objects.get_or_create(type="provider", target=REGISTERED, defaults={"trusted": True})
    where = str(location)
    entity = location_entity(location, presence)
    emitted, problems = emit(entity, Origin(where, where, location, location.target, trusted=True), 0)
    if emitted is None:
        raise ProblemError(problems)
    return apply([SourceReading(bucket.pk, entities=[emitted], delta=True)])


def unregister_location(uid: str) -> list[str]:
    """Unregister a location and remove what it alone brought; answer the refs that are gone.

    Raises :class:`LocationMissingError`, and :class:`NotAllowedError` for locations of the configuration.
    """
    require("catalog.location.delete")
    if settings().readonly:
        raise ReadOnlyError("catalog.location.delete")
    with transaction.atomic():
        lock_catalog()
        source = _registered(uid)
        _require_mine(source)
        if source.door == "config":
            raise NotAllowedError("catalog.location.delete", "this location stands in callboard.yaml; remove it there")
        removed = _unregister(source)
        details = {"type": source.type, "target": source.target, "removed": len(removed)}
        record("catalog.location.unregister", str(source), details)
        publish("catalog.location-unregistered", {"id": uid, **details})
        wake()
    stitch_dirty()
    return removed


def _registered(uid: str) -> Source:
    try:
        source = Source.objects.filter(uid=UUID(uid), registered=True).first()
    except ValueError:
        source = None
    if source is None:
        raise LocationMissingError(f"Found no location with ID {uid[:100]}")
    return source


def _require_mine(source: Source) -> None:
    """Let people unregister what they registered, or what only brings things they own."""
    who = principal()
    if who.administrator or who.type == "service" or source.registered_by in (who.ref, *who.ownership_refs):
        return
    owners = set(Entity.objects.filter(source=source).exclude(owner_ref="").values_list("owner_ref", flat=True))
    if owners and owners <= set(who.ownership_refs):
        return
    raise NotAllowedError("catalog.location.delete", "you neither registered this location nor own all it brings")


def _unregister(source: Source) -> list[str]:
    done = Applied()
    bucket = Source.objects.filter(type="provider", target=REGISTERED).first()
    if bucket is not None:
        ref = location_entity_ref(source.type, source.target)
        # Said first, so that what is left knows that it has to look for another origin.
        Source.objects.filter(pk=source.pk).update(registered=False)
        done.add(apply([SourceReading(bucket.pk, removed=(ref,), delta=True)], reason="unregistered"))
    more = Applied()
    collect_unreachable(more, reason="unregistered")
    announce(more)
    done.add(more)
    return done.removed


def preview_location(type_: str, target: str) -> Preview:
    """Read a location and all it leads to without writing anything."""
    require("catalog.location.analyze")
    location = check_location(type_, target)
    exists = Source.objects.filter(type=type_, target=target, registered=True).exists()
    todo = [location]
    seen = {location}
    preview = Preview([], [], exists, location)
    trusted = principal().administrator
    refs: dict[str, EmittedEntity] = {}
    while todo and len(seen) <= PREVIEW_SOURCES:
        here = todo.pop(0)
        source = Source(type=here.type, target=here.target, origin=str(location), trusted=trusted)
        source.pk = 0
        reading = read_source(source, force=True)
        preview.entities += reading.entities
        preview.problems += reading.problems
        preview.notes += reading.notes
        for emitted in reading.entities:
            first = refs.setdefault(emitted.ref, emitted)
            if first is not emitted:
                preview.problems.append(_repeated(first, emitted))
            if emitted.ref.startswith("location:"):
                found = [place for place, _ in targets_of(emitted, source)]
                todo += [place for place in found if place not in seen]
                seen.update(found)
    return preview


def _repeated(first: EmittedEntity, emitted: EmittedEntity) -> EmittedProblem:
    problem = Problem(
        "duplicate",
        f"{emitted.ref} is declared twice: at {first.location} and at {emitted.location}.",
        "Rename or remove one of the two.",
        Place(emitted.location.partition(":")[2], emitted.line or None),
    )
    return EmittedProblem(problem, emitted.ref, emitted.entity)


def validate_text(text: str, url: str) -> SourceReading:
    """Check catalog YAML as if it stood at ``url``, without placeholders and without writing anything."""
    require("catalog.entity.validate")
    kind = "file" if url.startswith("/") else "url"
    origin = Origin(f"{kind}:{url}", f"{kind}:{url}", LocationTarget(kind, url), url, trusted=True)
    return read_text(text, origin)


def refresh(refs: list[str]) -> int:
    """Read the sources of these entities again, at once; answer how many sources that are."""
    for ref in refs:
        require("catalog.entity.refresh", ref)
    with transaction.atomic():
        found = Source.objects.filter(entities__ref__in=refs) | Source.objects.filter(links__parent_ref__in=refs)
        pks = list(found.exclude(type="provider").values_list("pk", flat=True).distinct())
        Source.objects.filter(pk__in=pks).update(due_at=timezone.now(), fingerprint="", etag="")
        for ref in refs:
            record("catalog.entity.refresh", ref)
        if pks:
            wake()
    return len(pks)


def refresh_sources(pks: list[int]) -> None:
    """Make sources due because what they read has changed; called by watchers, not by people."""
    with transaction.atomic():
        if Source.objects.filter(pk__in=pks).update(due_at=timezone.now()):
            wake()


def refresh_repository(address: str, paths: Collection[str] | None = None) -> int:
    """Read locations of a repository again because it was pushed to; answer how many.

    ``address`` is the repository as people see it or as Git clones it. With ``paths`` only locations of these
    files are read, and those that also depend on other files; without, all of the repository.
    """
    require("catalog.provider.run")
    start_of = address.rstrip("/").removesuffix(".git")
    found = Source.objects.filter(type__in=("url", "git"), target__startswith=start_of)
    wanted = []
    for pk, target, etag in found.values_list("pk", "target", "etag"):
        rest = unquote(target[len(start_of) :]).removeprefix(".git")
        if rest[:1] not in ("", "/", "?"):
            continue
        if paths is None or not etag or any(f"/{path}" in rest for path in paths) or "*" in rest:
            wanted.append(pk)
    if wanted:
        refresh_sources(wanted)
    return len(wanted)


def refresh_location(type_: str, target: str) -> Source:
    """Have a registered location read again, at once. Raises :class:`LocationMissingError`."""
    require("catalog.location.create")
    with transaction.atomic():
        source = Source.objects.filter(type=type_, target=target, registered=True).first()
        if source is None:
            raise LocationMissingError(f"Location {type_}:{target} is not registered")
        Source.objects.filter(pk=source.pk).update(due_at=timezone.now(), fingerprint="", etag="")
        record("catalog.location.refresh", str(source))
        wake()
    return source


def follow_configuration() -> None:
    """Register the locations of the configuration, and unregister those that left it."""
    wanted = {(item.type, absolute(item.type, item.target)): item for item in settings().locations}
    with transaction.atomic():
        lock_catalog()
        have = {(s.type, s.target): s for s in Source.objects.filter(registered=True, door="config")}
        for key, item in wanted.items():
            if key in have:
                continue
            existing = Source.objects.filter(type=key[0], target=key[1], registered=True).first()
            source = existing or _register(LocationTarget(*key), item.presence)
            Source.objects.filter(pk=source.pk).update(door="config", trusted=True)
        for key, source in have.items():
            if key not in wanted:
                _unregister(source)
        # Rules, kinds or plugins may be others than last time: what was read under the old ones is due.
        stale = Source.objects.exclude(type="provider").exclude(fingerprint__startswith=model_fingerprint())
        stale.exclude(read_at=None).update(due_at=timezone.now())
        wake()


def validate_entity(entity: Any, url: str) -> list[Problem]:
    """Check one entity as if it stood at ``url``; answer what is wrong with it."""
    require("catalog.entity.validate")
    if not isinstance(entity, dict):
        return check_envelope(entity, url)
    checked = dict(entity)
    problems = check_envelope(checked, url)
    if problems:
        return problems
    model = catalog_model()
    problems = model.check(checked, url) or model.relations_of(checked)[1]
    return [problem for problem in problems if problem.severity == "error"]


def move_location(uid: str, type_: str, target: str) -> Source:
    """Point a registration at another target; its id stays, what it brought follows the new target."""
    require("catalog.location.create")
    location = check_location(type_, target)
    if settings().readonly:
        raise ReadOnlyError("catalog.location.create")
    with transaction.atomic():
        lock_catalog()
        source = _registered(uid)
        if (source.type, source.target) == (type_, target):
            return source
        _require_mine(source)
        before = str(source)
        if Source.objects.filter(type=type_, target=target, registered=True).exists():
            raise LocationExistsError(f"Location {location} is already registered.")
        # The new one is registered first, so that what both bring is never gone in between.
        Source.objects.filter(pk=source.pk).update(uid=uuid4())
        moved = _register(location, source.presence)
        Source.objects.filter(pk=moved.pk).update(uid=uid)
        source.refresh_from_db()
        _unregister(source)
        record("catalog.location.move", before, {"type": type_, "target": target})
        wake()
    moved.refresh_from_db()
    return moved
