"""Bring what sources say into the catalog: set-based, in one transaction for any number of sources.

The order of work: compare with what each source said before, write the differences, decide which
source speaks for each entity, write those entities and their relations, mark who else must be
stitched anew, remember problems. Unchanged input ends after the first comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args

import orjson
from django.db import connection, transaction
from django.utils import timezone

from callboard.lib.digest import text_hash
from callboard.lib.problems import Place, Problem
from callboard.plugins.catalog.clients.types import ErrorCode
from callboard.plugins.catalog.models import Emission, Entity, Source
from callboard.plugins.catalog.services.bulk import as_rows
from callboard.plugins.catalog.services.holding import hold_back
from callboard.plugins.catalog.services.reading import settings
from callboard.plugins.catalog.services.redirecting import follow_renames
from callboard.plugins.catalog.services.removing import GONE_FROM_SOURCE, collect_unreachable, settle
from callboard.plugins.catalog.services.stitching import lock_catalog, stitch
from callboard.plugins.catalog.services.writing import Applied, write_entities
from callboard.plugins.catalog.types.emitted import EmittedEntity, EmittedProblem, SourceReading
from callboard.sdk.events import publish

_READ_CODES = (*get_args(ErrorCode), "internal", "provider-failed")


@dataclass(slots=True)
class _Known:
    """An emission as the database has it."""

    digest: str
    line: int
    location: str


def apply(readings: Sequence[SourceReading], *, reason: str = "") -> Applied:
    """Write the outcome of reading sources and answer what changed.

    Entities that changed are written in their final form; those that merely stand in relation to them are
    marked dirty, and :func:`callboard.plugins.catalog.services.stitching.stitch_dirty` follows.
    """
    done = Applied()
    with transaction.atomic():
        lock_catalog()
        rows = Source.objects.filter(pk__in=[r.source_id for r in readings]).order_by("pk")
        sources = {s.pk: s for s in rows.select_for_update()}
        readings = [r for r in readings if r.source_id in sources]
        said = [r for r in readings if not r.unchanged]
        known = _known_emissions([r.source_id for r in said])
        writes: list[tuple[Source, EmittedEntity]] = []
        lost: list[tuple[Source, str]] = []
        shifted: list[tuple[int, str, int]] = []
        for reading in said:
            source = sources[reading.source_id]
            before = known.get(reading.source_id, {})
            held = {p.ref for p in reading.problems if p.ref}
            for emitted in reading.entities:
                old = before.get(emitted.ref)
                if old is None or old.digest != emitted.digest:
                    writes.append((source, emitted))
                else:
                    done.unchanged += 1
                    if old.line != emitted.line:
                        shifted.append((source.pk, emitted.ref, emitted.line))
            if reading.delta:
                lost.extend((source, ref) for ref in reading.removed if ref in before)
            elif reading.complete:
                now = {e.ref for e in reading.entities} | held
                broken = reading.broken | {at for ref, at in reading.doubtful.items() if ref not in before}
                lost.extend(
                    (source, ref) for ref, old in before.items() if ref not in now and old.location not in broken
                )
        lost = hold_back(said, {pk: len(before) for pk, before in known.items()}, lost, done)
        follow_renames(writes, [(s, e) for s, e in writes if e.ref not in known.get(s.pk, {})], lost)
        _write_emissions(writes)
        _shift(shifted)
        # What is given up goes first: whoever else speaks for it takes over, and there is no conflict.
        _retract(lost, done, reason or GONE_FROM_SOURCE)
        winners, conflicts = _decide(said, sources, {(s.pk, e.ref) for s, e in writes})
        for reading, problem in conflicts:
            reading.problems.append(problem)
        write_entities(winners, done)
        if done.links_dropped or any(ref.startswith("location:") for ref in done.removed):
            collect_unreachable(done, reason=reason or "its location is gone")
        problem_refs = _write_problems(said)
        done.problems = sum(len(r.problems) for r in said)
        _write_sources(readings, sources)
        done.changed = list(dict.fromkeys(done.changed))
        stitch(problem_refs)
        announce(done)
    return done


def announce(done: Applied) -> None:
    """Tell subscribers, in one event a batch."""
    if done:
        publish(
            "catalog.entities-changed",
            {"created": done.created, "changed": done.changed, "removed": done.removed},
        )


def _known_emissions(source_ids: Iterable[int]) -> dict[int, dict[str, _Known]]:
    known: dict[int, dict[str, _Known]] = {}
    rows = Emission.objects.filter(source_id__in=list(source_ids)).values_list(
        "source_id", "ref", "digest", "line", "location"
    )
    for source_id, ref, *rest in rows.iterator(chunk_size=10_000):
        known.setdefault(source_id, {})[ref] = _Known(*rest)
    return known


def _write_emissions(writes: list[tuple[Source, EmittedEntity]]) -> None:
    """Write what sources say, whether or not they are the ones who speak for the entity."""
    if not writes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cb_catalog_emission (source_id, ref, location, location_key, line, digest, entity)
            SELECT source_id, ref, location, location_key, line, digest, entity
            FROM json_to_recordset(%s::json) AS t(source_id bigint, ref text, location text, location_key text,
                                                  line int, digest text, entity text)
            ON CONFLICT (source_id, ref) DO UPDATE SET
              location = excluded.location, location_key = excluded.location_key, line = excluded.line,
              digest = excluded.digest, entity = excluded.entity, changed_at = now()
            """,
            [
                as_rows(
                    ("source_id", "ref", "location", "location_key", "line", "digest", "entity"),
                    ((s.pk, e.ref, e.location, e.location_key, e.line, e.digest, e.text) for s, e in writes),
                )
            ],
        )


def _shift(shifted: list[tuple[int, str, int]]) -> None:
    """Follow entities that merely moved inside their file; that is no change of theirs."""
    if not shifted:
        return
    with connection.cursor() as cursor:
        for table in ("emission", "entity"):
            cursor.execute(
                f"""
                UPDATE cb_catalog_{table} t SET line = moved.line
                FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS moved(source_id, ref, line)
                WHERE t.source_id = moved.source_id AND t.ref = moved.ref
                """,  # noqa: S608 - two names of ours
                [[row[i] for row in shifted] for i in range(3)],
            )


def _decide(
    said: Sequence[SourceReading], sources: dict[int, Source], written: set[tuple[int, str]]
) -> tuple[list[tuple[Source, EmittedEntity]], list[tuple[SourceReading, EmittedProblem]]]:
    """Decide which source speaks for each entity: whoever did so first keeps it.

    Answers what has to be written, and a problem for each source that says something else. A source that
    read the very same file only waits for the first one to go.
    """
    refs = {e.ref for r in said for e in r.entities}
    held: dict[str, tuple[int | None, str, str]] = {
        ref: (source_id, key, location)
        for ref, source_id, key, location in Entity.objects.filter(ref__in=refs).values_list(
            "ref", "source_id", "location_key", "location"
        )
    }
    winners: list[tuple[Source, EmittedEntity]] = []
    conflicts: list[tuple[SourceReading, EmittedProblem]] = []
    for reading in said:
        source = sources[reading.source_id]
        for emitted in reading.entities:
            source_id, key, location = held.get(emitted.ref, (None, "", ""))
            if source_id in (None, source.pk):
                if source_id is None or (source.pk, emitted.ref) in written:
                    winners.append((source, emitted))
                held[emitted.ref] = (source.pk, emitted.location_key, emitted.location)
            elif key != emitted.location_key:
                problem = Problem(
                    "conflict",
                    f"{emitted.ref} is already declared at {location}, which was there first and keeps it.",
                    "Rename one of the two, or unregister the location that should not declare it.",
                    Place(emitted.location.partition(":")[2], emitted.line or None),
                )
                conflicts.append((reading, EmittedProblem(problem, emitted.ref, emitted.entity)))
    return winners, conflicts


def _retract(lost: list[tuple[Source, str]], done: Applied, reason: str) -> None:
    """Forget what sources no longer say; another source that says it takes over, else the entity goes."""
    if not lost:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM cb_catalog_emission e USING unnest(%s::bigint[], %s::text[]) AS gone(source_id, ref)
            WHERE e.source_id = gone.source_id AND e.ref = gone.ref
            """,
            [[s.pk for s, _ in lost], [ref for _, ref in lost]],
        )
    settle([ref for _, ref in lost], done, reason=reason)


def _write_problems(readings: list[SourceReading]) -> set[str]:
    """Replace the problems of these sources; answer refs whose status must be written anew."""
    rows: dict[tuple[int, str], tuple[Any, ...]] = {}
    for reading in readings:
        for item in reading.problems:
            p = item.problem
            digest = text_hash("|".join([p.code, p.message, p.place.url, str(p.place.line), p.place.path, item.ref]))
            document = orjson.dumps(item.document).decode() if item.document is not None else None
            if document and ("\\u0000" in document or len(document) > 1_000_000):
                document = None
            rows[reading.source_id, digest] = (
                reading.source_id, digest, item.ref, p.code, p.severity, p.message, p.remedy,
                p.place.url, p.place.line, p.place.column, p.place.path, document,
            )  # fmt: skip
    columns = list(zip(*rows.values(), strict=True)) if rows else [()] * 12
    scope = [r.source_id for r in readings if not r.delta and not r.failed]
    # A difference speaks of what it names, and of what it could not name last time.
    told = {
        (r.source_id, ref)
        for r in readings
        if r.delta
        for ref in ("", *r.removed, *(e.ref for e in r.entities), *(p.ref for p in r.problems))
    }
    # What could not be read this time says nothing about the problems of the last good reading.
    failed = [r.source_id for r in readings if r.failed]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH said AS (
              SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                %s::text[], %s::text[], %s::int[], %s::int[], %s::text[], %s::text[])
                AS t(source_id, digest, ref, code, severity, message, remedy, url, line, col, path, document)
            ), gone AS (
              DELETE FROM cb_catalog_problem p
              WHERE (p.source_id = ANY(%s) OR (p.source_id = ANY(%s) AND p.ref = '' AND p.code = ANY(%s))
                OR (p.source_id, p.ref) IN (SELECT * FROM unnest(%s::bigint[], %s::text[])))
              AND NOT EXISTS (
                SELECT FROM said WHERE said.source_id = p.source_id AND said.digest = p.digest)
              -- A conflict lasts as long as the source says the same and another speaks for the entity.
              AND NOT (p.code = 'conflict' AND EXISTS (
                SELECT FROM cb_catalog_emission m JOIN cb_catalog_entity e ON e.ref = m.ref
                WHERE m.source_id = p.source_id AND m.ref = p.ref AND e.source_id <> p.source_id))
              RETURNING p.ref
            ), come AS (
              INSERT INTO cb_catalog_problem
                (source_id, digest, ref, code, severity, message, remedy, url, line, "column", path, document)
              SELECT source_id, digest, ref, code, severity, message, remedy, url, line, col, path, document::jsonb
              FROM said
              ON CONFLICT (source_id, digest) DO NOTHING
              RETURNING ref
            )
            SELECT ref FROM gone UNION SELECT ref FROM come
            """,
            [
                *[list(column) for column in columns],
                scope,
                failed,
                list(_READ_CODES),
                [pk for pk, _ in told],
                [ref for _, ref in told],
            ],
        )
        return {ref for (ref,) in cursor.fetchall() if ref}


def _write_sources(readings: Sequence[SourceReading], sources: dict[int, Source]) -> None:
    """Note what each source answered and when it is asked again; failures wait longer each time."""
    now = timezone.now()
    changed: list[Source] = []
    for reading in readings:
        source = sources[reading.source_id]
        provided = source.origin.startswith("provider:")
        every = timedelta(minutes=settings().provided_refresh_minutes if provided else settings().refresh_minutes)
        source.lease_until = None
        if source.type != "provider":
            source.read_at = now
        if reading.failed:
            source.failures += 1
            wait = min(every * 2 ** min(source.failures - 1, 6), timedelta(hours=6))
            if reading.retry_after is not None:
                wait = max(wait, timedelta(seconds=min(reading.retry_after, 86_400)))
            due = now + wait
        else:
            source.failures = 0
            source.ok_at = now
            if not reading.unchanged and source.fingerprint != reading.fingerprint:
                source.changed_at = now
            source.etag, source.fingerprint = reading.etag, reading.fingerprint
            source.files = list(reading.files)
            due = now + every
        # Whoever asked for it while it was being read wants it read once more.
        if source.type != "provider" and source.due_at is None:
            source.due_at = due
        changed.append(source)
    Source.objects.bulk_update(
        changed,
        [
            "read_at",
            "ok_at",
            "changed_at",
            "due_at",
            "lease_until",
            "failures",
            "etag",
            "fingerprint",
            "files",
        ],
        batch_size=1000,
    )
