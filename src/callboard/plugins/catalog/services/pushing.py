"""Take entities that programs push: in sets, each of which speaks only for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.refs import RefError, canonical
from callboard.plugins.catalog.clients.types import LocationTarget
from callboard.plugins.catalog.models import Emission, Source
from callboard.plugins.catalog.services.applying import apply
from callboard.plugins.catalog.services.processing import wake
from callboard.plugins.catalog.services.reading import Origin, read_value
from callboard.plugins.catalog.services.removing import collect_unreachable
from callboard.plugins.catalog.services.stitching import lock_catalog, stitch_dirty
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.types.emitted import EmittedProblem, SourceReading
from callboard.plugins.catalog.types.pushing import MOST, PORTAL, PREFIX, Outcome, Pushed, PushedItem, checked_set
from callboard.sdk.audit import record
from callboard.sdk.auth import acting
from callboard.sdk.events import publish
from callboard.sdk.permissions import NotAllowedError, require


class SetMissingError(LookupError):
    """Nothing was ever pushed to a set of this name."""


def push(
    name: str,
    entities: Sequence[Any] = (),
    *,
    removed: Sequence[str] = (),
    replace: bool = False,
    dry_run: bool = False,
    confirmed: bool = False,
) -> Pushed:
    """Take entities into a set and ``removed`` refs out of it; answer what became of each.

    With ``replace`` the set holds these entities and no others afterwards; the loss of many at once is held
    for confirmation unless ``confirmed``. The same push twice changes nothing the second time. A dry run
    does everything and takes it back. Raises :class:`ProblemError` when the push itself makes no sense.
    """
    require("catalog.set.push")
    if checked_set(name) == PORTAL:
        raise ProblemError(
            Problem(
                "reserved-set",
                "The set portal belongs to what people create in the portal.",
                "Choose another name for the set.",
                Place(path="set"),
            )
        )
    return push_to(name, entities, removed=removed, replace=replace, dry_run=dry_run, confirmed=confirmed)


def push_to(
    name: str,
    entities: Sequence[Any],
    *,
    removed: Sequence[str] = (),
    replace: bool = False,
    dry_run: bool = False,
    confirmed: bool = False,
) -> Pushed:
    """Do the work of :func:`push` for whoever has asked for a permission."""
    if len(entities) + len(removed) > MOST:
        raise ProblemError(
            Problem(
                "too-many",
                f"A push may have {MOST:,} items, this one has {len(entities) + len(removed):,}.",
                "Send it in parts, each as a difference.",
                Place(path="entities"),
            )
        )
    with transaction.atomic():
        lock_catalog()
        bucket, _ = Source.objects.get_or_create(type="provider", target=f"{PREFIX}{name}")
        _require_mine(name, bucket)
        reading, items = _read(bucket, name, entities)
        gone, unreadable = _refs(removed, len(entities))
        reading.delta, reading.confirmed, reading.removed = not replace, confirmed, tuple(gone)
        before = _said_by(bucket)
        done = apply([reading], reason=f"removed from the set {name}")
        after = _said_by(bucket)
        pushed = Pushed(
            name,
            dry_run,
            (*_outcomes(reading, items, before, done), *unreadable, *_taken(reading, gone, before, after)),
        )
        if dry_run:
            transaction.set_rollback(True)
        else:
            _note(bucket, pushed, done)
    if not dry_run:
        stitch_dirty()
    return pushed


def remove_set(name: str) -> list[str]:
    """Remove a set and what it alone said; answer the refs that are gone. Raises :class:`SetMissingError`."""
    require("catalog.set.push")
    with transaction.atomic():
        lock_catalog()
        bucket = Source.objects.filter(type="provider", target=f"{PREFIX}{name}").first()
        if bucket is None or name == PORTAL:
            raise SetMissingError(f"there is no set called {name[:80]}")
        _require_mine(name, bucket)
        refs = tuple(_said_by(bucket))
        done = apply([SourceReading(bucket.pk, removed=refs, delta=True)], reason=f"the set {name} was removed")
        bucket.delete()
        collect_unreachable(done)
        record("catalog.set.remove", name, {"removed": len(done.removed)})
        publish("catalog.set-pushed", {"set": name, "counts": {"removed": len(done.removed)}})
    stitch_dirty()
    return done.removed


def _require_mine(name: str, bucket: Source) -> None:
    """Let people push to sets of their own; programs and administrators push to any."""
    who = acting().principal
    if name == PORTAL or who.administrator or who.type == "service":
        return
    if bucket.registered_by not in ("", who.ref, *who.ownership_refs):
        raise NotAllowedError("catalog.set.push", f"the set {name} is pushed by {bucket.registered_by}")


def _read(bucket: Source, name: str, entities: Sequence[Any]) -> tuple[SourceReading, list[tuple[str, list[Problem]]]]:
    """Check every entity; answer the reading, and ref and problems of each item."""
    where = f"{PREFIX}{name}"
    trusted = acting().principal.administrator
    origin = Origin(where, where, LocationTarget("push", name), where, trusted=trusted)
    reading = SourceReading(bucket.pk)
    items: list[tuple[str, list[Problem]]] = []
    seen: dict[str, int] = {}
    for index, value in enumerate(entities):
        single = read_value(value, origin)
        problems = [p.problem for p in single.problems]
        ref = next((e.ref for e in single.entities), "") or next((p.ref for p in single.problems if p.ref), "")
        if ref and ref in seen:
            problems = [
                Problem(
                    "duplicate",
                    f"{ref} stands twice in this push; item {seen[ref]} is used.",
                    "Send it once.",
                    Place(where),
                )
            ]
            single.entities = []
        else:
            reading.problems += single.problems
            reading.entities += single.entities
            seen[ref or f" {index}"] = index
            # An item that cannot be told may be any of those that are known: a replacement removes nothing then.
            reading.complete = reading.complete and bool(ref)
        items.append((ref, problems))
    return reading, items


def _refs(removed: Sequence[str], start: int) -> tuple[list[str], list[PushedItem]]:
    refs, unreadable = [], []
    for index, text in enumerate(removed, start):
        try:
            refs.append(canonical(text))
        except RefError as error:
            problem = Problem("invalid-ref", f"{error}.", "Write it as kind:namespace/name.", Place())
            unreadable.append(PushedItem(str(text)[:200], "rejected", index, (problem,)))
    return refs, unreadable


def _said_by(bucket: Source) -> dict[str, str]:
    return dict(Emission.objects.filter(source=bucket).values_list("ref", "digest"))


def _outcomes(
    reading: SourceReading, items: list[tuple[str, list[Problem]]], before: dict[str, str], done: Applied
) -> list[PushedItem]:
    """Tell what became of each item, from what the set said before and what was applied."""
    created, digests = set(done.created), {e.ref: e.digest for e in reading.entities}
    # Applying adds what it found itself: that somebody else speaks for the entity.
    conflicts: dict[str, list[EmittedProblem]] = {}
    for problem in reading.problems:
        if problem.problem.code == "conflict":
            conflicts.setdefault(problem.ref, []).append(problem)
    found = []
    for index, (ref, problems) in enumerate(items):
        duplicate = any(p.code == "duplicate" for p in problems)
        told = problems + ([] if duplicate else [p.problem for p in conflicts.get(ref, ())])
        result: Outcome
        if any(p.severity == "error" for p in told):
            result = "rejected"
        elif before.get(ref) == digests.get(ref):
            result = "unchanged"
        else:
            result = "created" if ref in created else "changed"
        found.append(PushedItem(ref, result, index, tuple(told)))
    return found


def _taken(reading: SourceReading, gone: list[str], before: dict[str, str], after: dict[str, str]) -> list[PushedItem]:
    found = [PushedItem(ref, "removed" if ref in before else "absent") for ref in gone]
    if not reading.delta:
        spoken = {e.ref for e in reading.entities} | {p.ref for p in reading.problems}
        found += [PushedItem(ref, "held" if ref in after else "removed") for ref in before if ref not in spoken]
    return found


def _note(bucket: Source, pushed: Pushed, done: Applied) -> None:
    now = timezone.now()
    who = acting()
    changes: dict[str, Any] = {"read_at": now, "registered_by": who.principal.ref, "door": who.door}
    counts = {key: n for key, n in pushed.counts.items() if key not in {"unchanged", "absent"}}
    if counts:
        changes["changed_at"] = now
        record("catalog.set.push", pushed.set, counts)
        publish("catalog.set-pushed", {"set": pushed.set, "counts": counts})
    Source.objects.filter(pk=bucket.pk).update(**changes)
    if done.new_sources:
        wake()
