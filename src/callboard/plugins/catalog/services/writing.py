"""Write entities and what they declare: relations, links to further sources, superseded versions."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from callboard.plugins.catalog.models import Emission, Entity, Source, Tombstone
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.services.bulk import as_rows
from callboard.plugins.catalog.services.stitching import (
    Surroundings,
    final,
    found_by,
    mark_dirty,
    narrow,
    store_whole,
    surroundings,
)
from callboard.plugins.catalog.services.targets import REGISTERED, targets_of
from callboard.plugins.catalog.types.emitted import EmittedEntity
from callboard.plugins.catalog.types.terms import searchable
from callboard.sdk.auth import principal


@dataclass
class Applied:
    """What changed: refs by what happened to them, and sources that are new and due."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    new_sources: int = 0
    links_dropped: bool = False
    unchanged: int = 0
    problems: int = 0

    def __bool__(self) -> bool:
        """Whether anything changed at all."""
        return bool(self.created or self.changed or self.removed)

    def add(self, other: Applied) -> None:
        """Count another application in."""
        self.created += other.created
        self.changed += other.changed
        self.removed += other.removed
        self.held += other.held
        self.new_sources += other.new_sources
        self.links_dropped |= other.links_dropped
        self.unchanged += other.unchanged
        self.problems += other.problems


def from_emission(emission: Emission) -> EmittedEntity:
    """Make an emission that was stored ready to be applied again."""
    entity: dict[str, Any] = orjson.loads(emission.entity)
    edges, _ = catalog_model().relations_of(entity)
    terms, fields = searchable(entity)
    return EmittedEntity(
        ref=emission.ref,
        entity=entity,
        location=emission.location,
        location_key=emission.location_key,
        line=emission.line,
        digest=emission.digest,
        text=emission.entity,
        terms=terms,
        fields=fields,
        edges=tuple(edges),
    )


def write_entities(winners: list[tuple[Source, EmittedEntity]], done: Applied) -> None:
    """Write entities and the relations they declare; keep the states they supersede."""
    if not winners:
        return
    emitted = [e for _, e in winners]
    refs = [e.ref for e in emitted]
    before = {row["ref"]: row for row in Entity.objects.filter(ref__in=refs).values("ref", "uid", "digest")}
    _keep_versions([e for e in emitted if e.ref in before], before)
    _write_relations(emitted)
    _write_links(winners, done)
    around = surroundings({e.ref: source.pk for source, e in winners})
    store_whole([_row(source, e, before.get(e.ref), around.of(e.ref)) for source, e in winners])
    _note_returns([ref for ref in refs if ref not in before])
    for ref in refs:
        (done.changed if ref in before else done.created).append(ref)


def _row(source: Source, emitted: EmittedEntity, known: dict[str, Any] | None, around: Surroundings) -> tuple[Any, ...]:
    uid = str(known["uid"] if known else uuid.uuid4())
    kind, _, rest = emitted.ref.partition(":")
    namespace, _, name = rest.partition("/")
    return (
        uid, emitted.ref, kind, namespace, name, emitted.entity["kind"], emitted.entity["metadata"]["name"],
        source.pk, emitted.location, emitted.location_key, emitted.line, emitted.digest,
        *final(emitted.entity, uid, around), *narrow(emitted.entity), *found_by(emitted.terms, emitted.fields, uid),
    )  # fmt: skip


def _keep_versions(emitted: list[EmittedEntity], before: dict[str, dict[str, Any]]) -> None:
    changed = [e for e in emitted if before[e.ref]["digest"] != e.digest]
    if not changed:
        return
    actor = principal()
    with connection.cursor() as cursor:
        # The body still holds the state that ends now; relations, uid and etag are not part of a version.
        cursor.execute(
            """
            INSERT INTO cb_catalog_version (ref, uid, entity, location, valid_from, ended_by, ended_how)
            SELECT e.ref, e.uid,
                   ((b.json::jsonb - 'relations' - 'status') #- '{metadata,uid}' #- '{metadata,etag}')::text,
                   e.location, e.changed_at, %s, 'changed'
            FROM cb_catalog_entity e JOIN cb_catalog_body b ON b.entity_id = e.id
            WHERE e.ref = ANY(%s)
            """,
            [actor.ref, [e.ref for e in changed]],
        )


def _note_returns(refs: list[str]) -> None:
    """Write on the tombstones of these entities that they are back."""
    if refs:
        Tombstone.objects.filter(ref__in=refs, restored_at=None).update(restored_at=timezone.now())


def _write_relations(emitted: list[EmittedEntity]) -> None:
    """Replace what these entities declare; mark those at the other end of what came or went."""
    origins = [e.ref for e in emitted]
    rows = [(e.ref, edge.source, edge.type, edge.target) for e in emitted for edge in e.edges]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH said AS MATERIALIZED (
              SELECT * FROM json_to_recordset(%s::json) AS t(o text, s text, t text, g text)
            ), had AS MATERIALIZED (
              SELECT id, origin_ref AS o, source_ref AS s, type AS t, target_ref AS g
              FROM cb_catalog_relation WHERE origin_ref = ANY(%s)
            ), gone AS (
              DELETE FROM cb_catalog_relation r USING had
              WHERE r.id = had.id AND NOT EXISTS (
                SELECT FROM said WHERE (said.o, said.s, said.t, said.g) = (had.o, had.s, had.t, had.g))
              RETURNING r.source_ref
            ), come AS (
              -- Nobody else writes meanwhile, so what was not there is new: cheaper than ON CONFLICT for each row.
              INSERT INTO cb_catalog_relation (origin_ref, source_ref, type, target_ref)
              SELECT o, s, t, g FROM said WHERE NOT EXISTS (
                SELECT FROM had WHERE (said.o, said.s, said.t, said.g) = (had.o, had.s, had.t, had.g))
              RETURNING source_ref
            )
            SELECT source_ref FROM gone UNION SELECT source_ref FROM come
            """,
            [as_rows(("o", "s", "t", "g"), rows), origins],
        )
        own = set(origins)
        mark_dirty([ref for (ref,) in cursor.fetchall() if ref not in own])


def _write_links(winners: list[tuple[Source, EmittedEntity]], done: Applied) -> None:
    """Make the targets of Location entities sources, due at once; drop links that are no longer named."""
    places = [(source, e) for source, e in winners if e.ref.startswith("location:")]
    if not places:
        return
    wanted: dict[tuple[str, str], tuple[Source, EmittedEntity, str]] = {}
    links: list[tuple[str, str, str, str]] = []
    for source, emitted in places:
        for target, presence in targets_of(emitted, source):
            wanted.setdefault((target.type, target.target), (source, emitted, presence))
            links.append((emitted.ref, target.type, target.target, presence))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cb_catalog_source
              (uid, type, target, presence, origin, trusted, due_at, registered, registered_by, door, etag,
               fingerprint, files, failures)
            SELECT uid, type, target, presence, origin, trusted, now(), false, '', '', '', '', '{}', 0
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[])
              AS t(uid, type, target, presence, origin, trusted)
            ON CONFLICT (type, target) DO UPDATE SET
              trusted = true, origin = excluded.origin, due_at = now(), fingerprint = '', etag = ''
              WHERE excluded.trusted AND NOT cb_catalog_source.trusted AND NOT cb_catalog_source.registered
            RETURNING xmax = 0
            """,
            [
                [uuid.uuid4() for _ in wanted],
                [kind for kind, _ in wanted],
                [target for _, target in wanted],
                [presence for _, _, presence in wanted.values()],
                [_origin(source, e) for source, e, _ in wanted.values()],
                # The bucket of registrations may be trusted; what was registered is so by who did it.
                [source.trusted and source.target != REGISTERED for source, _, _ in wanted.values()],
            ],
        )
        done.new_sources += sum(1 for (new,) in cursor.fetchall() if new)
        cursor.execute(
            """
            WITH said AS (
              SELECT DISTINCT ON (t.parent_ref, s.id) t.parent_ref, s.id AS source_id, t.presence
              FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS t(parent_ref, type, target, presence)
              JOIN cb_catalog_source s ON s.type = t.type AND s.target = t.target
            ), gone AS (
              DELETE FROM cb_catalog_source_link l WHERE l.parent_ref = ANY(%s) AND NOT EXISTS (
                SELECT FROM said WHERE said.parent_ref = l.parent_ref AND said.source_id = l.source_id)
              RETURNING 1
            ), come AS (
              INSERT INTO cb_catalog_source_link (parent_ref, source_id, presence)
              SELECT parent_ref, source_id, presence FROM said
              ON CONFLICT (parent_ref, source_id) DO UPDATE SET presence = excluded.presence
            )
            SELECT count(*) FROM gone
            """,
            [*([row[i] for row in links] for i in range(4)), [e.ref for _, e in places]],
        )
        (dropped,) = cursor.fetchone() or (0,)
        # It must be there as soon as one of those who name it says so.
        cursor.execute(
            """
            UPDATE cb_catalog_source s SET presence = now.presence, due_at = now(), fingerprint = '', etag = ''
            FROM (
              SELECT source_id,
                CASE WHEN bool_or(presence <> 'optional') THEN 'required' ELSE 'optional' END AS presence
              FROM cb_catalog_source_link WHERE source_id IN (
                SELECT s.id FROM unnest(%s::text[], %s::text[]) AS t(type, target)
                JOIN cb_catalog_source s ON s.type = t.type AND s.target = t.target)
              GROUP BY source_id
            ) now
            WHERE s.id = now.source_id AND s.presence <> now.presence
            """,
            [[kind for kind, _ in wanted], [target for _, target in wanted]],
        )
    done.links_dropped |= bool(dropped)


def _origin(source: Source, emitted: EmittedEntity) -> str:
    if source.type == "provider":
        annotations = emitted.entity["metadata"].get("annotations", {})
        return str(annotations.get("backstage.io/managed-by-origin-location", ""))
    return source.origin or f"{source.type}:{source.target}"
