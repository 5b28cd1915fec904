"""Take entities out of the catalog, and bring them back: nothing goes without a tombstone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from callboard.plugins.catalog.models import Emission, Entity, Source, Tombstone
from callboard.plugins.catalog.services.reading import settings
from callboard.plugins.catalog.services.stitching import mark_dirty
from callboard.plugins.catalog.services.targets import REGISTERED
from callboard.plugins.catalog.services.writing import Applied, from_emission, write_entities
from callboard.sdk.auth import principal

GONE_FROM_SOURCE = "no longer in its source"
"""Why most entities go: whoever maintains the source took them out."""


def bury(refs: list[str], *, reason: str) -> list[str]:
    """Remove entities: write tombstones and last versions, then rows; mark their relations' other ends."""
    if not refs:
        return []
    who = principal().ref
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (
              SELECT e.ref, e.uid, e.kind_name, coalesce(nullif(e.title, ''), e.display_name) AS title,
                     s.type AS source_type, s.target AS source_target, e.location, e.changed_at,
                     ((b.json::jsonb - 'relations' - 'status') #- '{metadata,uid}' #- '{metadata,etag}')::text AS entity
              FROM cb_catalog_entity e
              JOIN cb_catalog_body b ON b.entity_id = e.id
              LEFT JOIN cb_catalog_source s ON s.id = e.source_id
              WHERE e.ref = ANY(%s)
            ), buried AS (
              INSERT INTO cb_catalog_tombstone
                (ref, uid, kind, title, reason, source_type, source_target, location, entity, removed_by, undo_until)
              SELECT ref, uid, kind_name, title, %s, coalesce(source_type, ''), coalesce(source_target, ''),
                     location, entity, %s, %s FROM gone
            )
            INSERT INTO cb_catalog_version (ref, uid, entity, location, valid_from, ended_by, ended_how)
            SELECT ref, uid, entity, location, changed_at, %s, 'removed' FROM gone
            """,
            [refs, reason, who, now + timedelta(days=settings().undo_days), who],
        )
        cursor.execute(
            """
            WITH gone AS (DELETE FROM cb_catalog_relation WHERE origin_ref = ANY(%s) RETURNING source_ref)
            SELECT DISTINCT source_ref FROM gone
            """,
            [refs],
        )
        peers = [ref for (ref,) in cursor.fetchall()]
        cursor.execute("DELETE FROM cb_catalog_source_link WHERE parent_ref = ANY(%s)", [refs])
        cursor.execute(
            "DELETE FROM cb_catalog_body USING cb_catalog_entity e WHERE e.id = entity_id AND e.ref = ANY(%s)",
            [refs],
        )
        cursor.execute("DELETE FROM cb_catalog_entity WHERE ref = ANY(%s) RETURNING ref", [refs])
        removed = [ref for (ref,) in cursor.fetchall()]
    mark_dirty(set(peers) - set(removed))
    return removed


def collect_unreachable(done: Applied, *, reason: str = "its location is gone") -> None:
    """Remove sources that no registration leads to any longer, and what they alone emitted.

    Reachability, not counting: locations that name each other in a circle go as well. An orphan that
    is kept goes on leading to what it names.
    """
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH RECURSIVE reached(id) AS (
                  SELECT id FROM cb_catalog_source WHERE type = 'provider'
                  UNION
                  SELECT l.source_id FROM cb_catalog_source_link l
                  JOIN cb_catalog_entity e ON e.ref = l.parent_ref AND e.orphan
                  UNION
                  SELECT l.source_id
                  FROM reached
                  JOIN cb_catalog_emission m ON m.source_id = reached.id AND m.ref LIKE 'location:%%'
                  JOIN cb_catalog_source_link l ON l.parent_ref = m.ref
                )
                SELECT s.id FROM cb_catalog_source s WHERE s.id NOT IN (SELECT id FROM reached)
                """
            )
            lost = [pk for (pk,) in cursor.fetchall()]
            if not lost:
                _follow_origins(cursor)
                return
            cursor.execute("DELETE FROM cb_catalog_emission WHERE source_id = ANY(%s) RETURNING ref", [lost])
            refs = [ref for (ref,) in cursor.fetchall()]
            held = Entity.objects.filter(source_id__in=lost).values_list("ref", flat=True)
            refs = list(dict.fromkeys([*refs, *held]))
        settle(refs, done, reason=reason)
        Source.objects.filter(pk__in=lost).delete()


def _follow_origins(cursor: Any) -> None:
    """Give sources whose registration is gone, but which another one leads to, that one's origin and trust."""
    while True:
        cursor.execute(
            """
            UPDATE cb_catalog_source s
            SET origin = p.origin, trusted = p.trusted, due_at = now(), fingerprint = '', etag = ''
            FROM cb_catalog_source_link l
            JOIN cb_catalog_emission m ON m.ref = l.parent_ref
            JOIN cb_catalog_source p ON p.id = m.source_id AND p.type <> 'provider'
            JOIN cb_catalog_source r ON r.registered AND r.type || ':' || r.target = p.origin
            WHERE l.source_id = s.id AND NOT s.registered AND s.type <> 'provider' AND s.origin <> p.origin
              AND NOT EXISTS (
                SELECT FROM cb_catalog_source o WHERE o.registered AND o.type || ':' || o.target = s.origin)
              AND NOT EXISTS (
                SELECT FROM cb_catalog_source_link v
                JOIN cb_catalog_emission w ON w.ref = v.parent_ref
                JOIN cb_catalog_source b ON b.id = w.source_id AND b.type = 'provider' AND b.target <> %s
                WHERE v.source_id = s.id)
            RETURNING s.id
            """,
            [REGISTERED],
        )
        if not cursor.fetchall():
            return


def settle(refs: Iterable[str], done: Applied, *, reason: str) -> None:
    """Give entities whose source stopped speaking of them to the next source that does, or remove them."""
    refs = list(dict.fromkeys(refs))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.ref FROM cb_catalog_entity e
            WHERE e.ref = ANY(%s) AND NOT EXISTS (
              SELECT FROM cb_catalog_emission m WHERE m.ref = e.ref AND m.source_id = e.source_id)
            """,
            [refs],
        )
        unheld = [row[0] for row in cursor.fetchall()]
    if not unheld:
        return
    heirs: dict[str, Emission] = {}
    for emission in Emission.objects.filter(ref__in=unheld).select_related("source").order_by("first_seen_at", "id"):
        heirs.setdefault(emission.ref, emission)
    _drop_conflicts(heirs.values())
    write_entities([(m.source, from_emission(m)) for m in heirs.values()], done)
    without = [ref for ref in unheld if ref not in heirs]
    if settings().orphan_strategy == "keep" and reason != "unregistered":
        Entity.objects.filter(ref__in=without).update(orphan=True, source=None)
        mark_dirty(without)
        return
    done.removed += bury(without, reason=reason)


def _drop_conflicts(heirs: Iterable[Emission]) -> None:
    with connection.cursor() as cursor:
        pairs = [(m.source_id, m.ref) for m in heirs]
        cursor.execute(
            """
            DELETE FROM cb_catalog_problem p USING unnest(%s::bigint[], %s::text[]) AS won(source_id, ref)
            WHERE p.source_id = won.source_id AND p.ref = won.ref AND p.code = 'conflict'
            """,
            [[s for s, _ in pairs], [r for _, r in pairs]],
        )


def forget_expired() -> int:
    """Drop tombstones that can no longer be undone; their versions stay. Answer how many."""
    dropped, _ = Tombstone.objects.filter(undo_until__lt=timezone.now()).delete()
    return dropped
