"""Bring what sources say into the catalog: set-based, in one transaction for any number of sources.

The order of work: compare with what each source said before, write the differences, decide which
source speaks for each entity, write those entities and their relations, mark who else must be
stitched anew, remember problems. Unchanged input ends after the first comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from callboard.lib.digest import text_hash
from callboard.lib.problems import Place, Problem
from callboard.plugins.catalog.models import Emission, Entity, Source
from callboard.plugins.catalog.services.bulk import as_rows
from callboard.plugins.catalog.services.reading import settings
from callboard.plugins.catalog.services.removing import collect_unreachable, settle
from callboard.plugins.catalog.services.stitching import stitch
from callboard.plugins.catalog.services.writing import Applied, write_entities
from callboard.plugins.catalog.types.emitted import EmittedEntity, EmittedProblem, SourceReading
from callboard.sdk.events import publish

APPLY_LOCK = 0x_CA11_B0A2
"""Advisory lock that lets one process at a time write emissions. Reading, which takes the time, goes on in parallel."""


@dataclass(slots=True)
class _Known:
    """An emission as the database has it."""

    id: int
    digest: str


def apply(readings: Sequence[SourceReading]) -> Applied:
    """Write the outcome of reading sources and answer what changed.

    Entities that changed are stitched at once; those that merely stand in relation to them are
    marked dirty, and :func:`callboard.plugins.catalog.services.stitching.stitch_dirty` follows.
    """
    done = Applied()
    with transaction.atomic():
        lock_catalog()
        sources = {s.pk: s for s in Source.objects.filter(pk__in=[r.source_id for r in readings])}
        readings = [r for r in readings if r.source_id in sources]
        said = [r for r in readings if not r.unchanged]
        known = _known_emissions([r.source_id for r in said])
        writes: list[tuple[Source, EmittedEntity]] = []
        lost: list[tuple[Source, str]] = []
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
            if reading.delta:
                lost.extend((source, ref) for ref in reading.removed if ref in before)
            elif reading.complete:
                now = {e.ref for e in reading.entities} | held
                lost.extend((source, ref) for ref in before if ref not in now)
        conflicts = _write_emissions(writes)
        for source, emitted, problem in conflicts:
            reading = next(r for r in said if r.source_id == source.pk)
            reading.problems.append(EmittedProblem(problem, emitted.ref, emitted.entity))
        losers = {(source.pk, emitted.ref) for source, emitted, _ in conflicts}
        winners = [(s, e) for s, e in writes if (s.pk, e.ref) not in losers]
        _retract(lost, done)
        write_entities(winners, done)
        if done.links_dropped or any(ref.startswith("location:") for ref in done.removed):
            collect_unreachable(done)
        problem_refs = _write_problems(said, sources)
        done.problems = sum(len(r.problems) for r in said)
        _write_sources(readings, sources)
        stitch([*done.created, *done.changed, *problem_refs])
        announce(done)
    return done


def lock_catalog() -> None:
    """Wait until no other process writes emissions; held to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [APPLY_LOCK])


def announce(done: Applied) -> None:
    """Tell subscribers, in one event a batch."""
    if done:
        publish(
            "catalog.entities-changed",
            {"created": done.created, "changed": done.changed, "removed": done.removed},
        )


def _known_emissions(source_ids: Iterable[int]) -> dict[int, dict[str, _Known]]:
    known: dict[int, dict[str, _Known]] = {}
    rows = Emission.objects.filter(source_id__in=list(source_ids)).values_list("source_id", "ref", "id", "digest")
    for source_id, ref, pk, digest in rows.iterator(chunk_size=10_000):
        known.setdefault(source_id, {})[ref] = _Known(pk, digest)
    return known


def _write_emissions(
    writes: list[tuple[Source, EmittedEntity]],
) -> list[tuple[Source, EmittedEntity, Problem]]:
    """Write emissions; answer those about entities that another location speaks for already."""
    if not writes:
        return []
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
    refs = [e.ref for _, e in writes]
    held = {
        ref: (source_id, key, location)
        for ref, source_id, key, location in Entity.objects.filter(ref__in=refs).values_list(
            "ref", "source_id", "location_key", "location"
        )
    }
    conflicts = []
    for source, emitted in writes:
        holder = held.get(emitted.ref)
        if holder is None:
            held[emitted.ref] = (source.pk, emitted.location_key, emitted.location)
            continue
        source_id, key, location = holder
        if source_id in (None, source.pk) or key in ("", emitted.location_key):
            continue
        problem = Problem(
            "conflict",
            f"{emitted.ref} is already declared at {location}, which was there first and keeps it.",
            "Rename one of the two, or unregister the location that should not declare it.",
            Place(emitted.location.partition(":")[2], emitted.line or None),
        )
        conflicts.append((source, emitted, problem))
    return conflicts


def _retract(lost: list[tuple[Source, str]], done: Applied) -> None:
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
    settle([ref for _, ref in lost], done, reason="no longer in its source")


def _write_problems(readings: list[SourceReading], sources: dict[int, Source]) -> set[str]:
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
    scope = [r.source_id for r in readings if not r.delta]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH said AS (
              SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                %s::text[], %s::text[], %s::int[], %s::int[], %s::text[], %s::text[])
                AS t(source_id, digest, ref, code, severity, message, remedy, url, line, col, path, document)
            ), gone AS (
              DELETE FROM cb_catalog_problem p WHERE p.source_id = ANY(%s) AND NOT EXISTS (
                SELECT FROM said WHERE said.source_id = p.source_id AND said.digest = p.digest)
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
            [*[list(column) for column in columns], scope],
        )
        return {ref for (ref,) in cursor.fetchall() if ref}


def _write_sources(readings: Sequence[SourceReading], sources: dict[int, Source]) -> None:
    """Note what each source answered and when it is asked again; failures wait longer each time."""
    now = timezone.now()
    every = timedelta(minutes=settings().refresh_minutes)
    changed: list[Source] = []
    for reading in readings:
        source = sources[reading.source_id]
        source.lease_until = None
        if source.type != "provider":
            source.read_at = now
        if reading.failed:
            source.failures += 1
            wait = min(every * 2 ** min(source.failures - 1, 6), timedelta(hours=6))
            if reading.retry_after is not None:
                wait = max(wait, timedelta(seconds=min(reading.retry_after, 86_400)))
            source.due_at = now + wait
        else:
            source.failures = 0
            source.ok_at = now
            if not reading.unchanged and source.fingerprint != reading.fingerprint:
                source.changed_at = now
            source.etag, source.fingerprint = reading.etag, reading.fingerprint
            source.files = list(reading.files)
            source.due_at = None if source.type == "provider" else now + every
        changed.append(source)
    Source.objects.bulk_update(
        changed,
        ["read_at", "ok_at", "changed_at", "due_at", "lease_until", "failures", "etag", "fingerprint", "files"],
        batch_size=1000,
    )

