"""Write the final entity: what its source says, its relations from both sides, its status.

Changed entities are stitched at once. The other ends of their relations are only marked dirty, and
stitched in large batches, because a system of ten thousand parts would otherwise be written ten
thousand times while it is loaded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection, transaction

from callboard.lib.digest import text_hash
from callboard.plugins.catalog.services.bulk import as_rows
from callboard.plugins.catalog.types.terms import searchable

BATCH = 2000

APPLY_LOCK = 0x_CA11_B0A2
"""Advisory lock: one process at a time writes the catalog. Reading, which takes the time, goes on in parallel."""


def lock_catalog() -> None:
    """Wait until no other process writes the catalog; held to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [APPLY_LOCK])


def mark_dirty(refs: Iterable[str]) -> None:
    """Ask for these entities to be stitched."""
    wanted = list(refs)
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO cb_catalog_dirty (ref) SELECT ref FROM cb_catalog_entity WHERE ref = ANY(%s)
                ON CONFLICT DO NOTHING
                """,
                [wanted],
            )


def stitch_dirty(budget_seconds: float = 60.0) -> int:
    """Stitch what is marked, in batches; answer how many. Stops when the time is used up."""
    done = 0
    end = time.monotonic() + budget_seconds
    while time.monotonic() < end:
        with transaction.atomic(), connection.cursor() as cursor:
            # Relations that another process is just writing would be missed, and nobody would look again.
            lock_catalog()
            cursor.execute(
                "DELETE FROM cb_catalog_dirty WHERE ref IN (SELECT ref FROM cb_catalog_dirty LIMIT %s) RETURNING ref",
                [BATCH],
            )
            refs = [ref for (ref,) in cursor.fetchall()]
            stitch(refs)
        done += len(refs)
        if len(refs) < BATCH:
            break
    return done


def stitch(refs: Iterable[str]) -> None:
    """Write the final form of these entities where it differs from what is stored."""
    wanted = list(dict.fromkeys(refs))
    for start in range(0, len(wanted), BATCH):
        _stitch_batch(wanted[start : start + BATCH])


def _stitch_batch(refs: list[str]) -> None:
    with connection.cursor() as cursor:
        # The source's own words are in the emission; an orphan has none left, its last body speaks for it.
        cursor.execute(
            """
            SELECT e.id, e.ref, e.source_id, e.uid::text, e.etag, e.orphan, coalesce(m.entity, b.json)
            FROM cb_catalog_entity e
            LEFT JOIN cb_catalog_emission m ON m.source_id = e.source_id AND m.ref = e.ref
            LEFT JOIN cb_catalog_body b ON b.entity_id = e.id AND m.id IS NULL
            WHERE e.ref = ANY(%s)
            """,
            [refs],
        )
        rows = cursor.fetchall()
    around = surroundings({ref: source_id for _, ref, source_id, *_ in rows})
    changed: list[tuple[Any, ...]] = []
    orphans: list[tuple[Any, ...]] = []
    for pk, ref, _, uid, etag, orphan, text in rows:
        said = orjson.loads(text)
        if orphan:
            said = _as_orphan(said)
        row = final(said, uid, around.of(ref))
        if row[0] == etag:
            continue
        changed.append((pk, *row))
        if orphan:
            orphans.append((pk, *found_by(*searchable(said), uid)))
    _store(changed, orphans)


# --- The final form -------------------------------------------------------------


@dataclass(slots=True)
class Surroundings:
    """What others say of an entity: its relations from both sides, and problems with it."""

    relations: list[dict[str, str]]
    status: list[dict[str, Any]]


class _Surroundings:
    def __init__(self) -> None:
        self.relations: dict[str, list[dict[str, str]]] = {}
        self.status: dict[str, list[dict[str, Any]]] = {}

    def of(self, ref: str) -> Surroundings:
        return Surroundings(self.relations.get(ref, []), self.status.get(ref, []))


def surroundings(holders: Mapping[str, int | None]) -> _Surroundings:
    """Read what others say of these entities, given with the source that speaks for each."""
    found, refs = _Surroundings(), list(holders)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT source_ref, type, target_ref FROM cb_catalog_relation
            WHERE source_ref = ANY(%s) ORDER BY source_ref, type, target_ref
            """,
            [refs],
        )
        for source_ref, kind, target_ref in cursor.fetchall():
            found.relations.setdefault(source_ref, []).append({"type": kind, "targetRef": target_ref})
        cursor.execute(
            """
            SELECT ref, source_id, code, message, severity FROM cb_catalog_problem
            WHERE ref = ANY(%s) ORDER BY id
            """,
            [refs],
        )
        for ref, source_id, *said in cursor.fetchall():
            if holders[ref] == source_id:
                found.status.setdefault(ref, []).append(_status_item(*said))
    return found


def final(said: dict[str, Any], uid: str, around: Surroundings) -> tuple[str, str, str, str, int]:
    """Answer what depends on others too: etag, JSON text, owner, system, number of errors."""
    metadata = {k: v for k, v in said["metadata"].items() if k not in {"uid", "etag"}}
    entity: dict[str, Any] = {"apiVersion": said["apiVersion"], "kind": said["kind"], "metadata": metadata}
    entity |= {k: v for k, v in said.items() if k not in {"apiVersion", "kind", "metadata", "relations", "status"}}
    if around.status:
        entity["status"] = {"items": around.status}
    entity["relations"] = around.relations
    etag = text_hash(orjson.dumps(entity))
    metadata["uid"], metadata["etag"] = uid, etag
    return (
        etag,
        orjson.dumps(entity).decode(),
        next((r["targetRef"] for r in around.relations if r["type"] == "ownedBy"), ""),
        next((r["targetRef"] for r in around.relations if r["type"] == "partOf"), ""),
        sum(1 for item in around.status if item["level"] == "error"),
    )


def narrow(said: dict[str, Any]) -> tuple[str, str, str, str, list[str]]:
    """Answer what lists show of an entity: title, description, type, lifecycle, tags."""
    metadata, spec = said["metadata"], said.get("spec") or {}
    profile = spec.get("profile")
    title = metadata.get("title") or (profile.get("displayName") if isinstance(profile, dict) else "") or ""
    return (
        str(title),
        str(metadata.get("description") or "")[:2000],
        _text(spec.get("type")),
        _text(spec.get("lifecycle")),
        [tag for tag in metadata.get("tags") or [] if isinstance(tag, str)],
    )


def found_by(terms: list[str], fields: dict[str, Any], uid: str) -> tuple[list[str], dict[str, Any]]:
    """Answer the terms and fields of an entity together with its uid, which its source does not know."""
    return (
        [*(t for t in terms if t != "metadata.uid"), "metadata.uid", f"metadata.uid={uid}"],
        {**fields, "metadata.uid": uid},
    )


def _as_orphan(said: dict[str, Any]) -> dict[str, Any]:
    metadata = said["metadata"]
    annotations = {**metadata.get("annotations", {}), "backstage.io/orphan": "true"}
    return {**said, "metadata": {**metadata, "annotations": annotations}}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _status_item(code: str, message: str, severity: str) -> dict[str, Any]:
    name = {"conflict": "ConflictError", "not-allowed": "NotAllowedError", "not-found": "NotFoundError"}
    return {
        "type": "backstage.io/catalog-processing",
        "level": severity,
        "message": f"{name.get(code, 'InputError')}: {message}",
        "error": {"name": name.get(code, "InputError"), "message": message, "code": code},
    }


# --- Storing --------------------------------------------------------------------

_FINAL = ("etag", "json", "owner_ref", "system_ref", "errors")
_WHOLE = (
    "uid", "ref", "kind", "namespace", "name", "kind_name", "display_name", "source_id", "location", "location_key",
    "line", "digest", *_FINAL, "title", "description", "type", "lifecycle", "tags", "terms", "fields",
)  # fmt: skip


def store_whole(rows: list[tuple[Any, ...]]) -> None:
    """Write entities in one go, everything known of them; each is written once, with all its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH said AS (
              SELECT * FROM json_to_recordset(%s::json)
                AS t(uid uuid, ref text, kind text, namespace text, name text, kind_name text, display_name text,
                     source_id bigint, location text, location_key text, line int, digest text, etag text, json text,
                     owner_ref text, system_ref text, errors int, title text, description text, type text,
                     lifecycle text, tags text[], terms text[], fields jsonb)
            ), written AS (
              INSERT INTO cb_catalog_entity
                (uid, ref, kind, namespace, name, kind_name, display_name, source_id, location, location_key, line,
                 digest, etag, owner_ref, system_ref, errors, title, description, type, lifecycle, tags, terms,
                 fields, orphan)
              SELECT uid, ref, kind, namespace, name, kind_name, display_name, source_id, location, location_key,
                 line, digest, etag, owner_ref, system_ref, errors, title, description, type, lifecycle, tags, terms,
                 fields, false
              FROM said
              ON CONFLICT (ref) DO UPDATE SET
                kind_name = excluded.kind_name, display_name = excluded.display_name,
                source_id = excluded.source_id, location = excluded.location,
                location_key = excluded.location_key, line = excluded.line, digest = excluded.digest,
                etag = excluded.etag, owner_ref = excluded.owner_ref, system_ref = excluded.system_ref,
                errors = excluded.errors, title = excluded.title, description = excluded.description,
                type = excluded.type, lifecycle = excluded.lifecycle, tags = excluded.tags, terms = excluded.terms,
                fields = excluded.fields, orphan = false, changed_at = now()
              RETURNING id, ref
            )
            INSERT INTO cb_catalog_body (entity_id, json)
            SELECT written.id, said.json FROM written JOIN said USING (ref)
            ON CONFLICT (entity_id) DO UPDATE SET json = excluded.json
            """,
            [as_rows(_WHOLE, rows)],
        )


def _store(rows: list[tuple[Any, ...]], orphans: list[tuple[Any, ...]]) -> None:
    """Write what depends on others. Terms and fields do not, unless an entity became an orphan."""
    with connection.cursor() as cursor:
        if rows:
            cursor.execute(
                """
                WITH said AS (
                  SELECT * FROM json_to_recordset(%s::json)
                    AS t(id bigint, etag text, json text, owner_ref text, system_ref text, errors int)
                ), written AS (
                  UPDATE cb_catalog_entity e SET
                    etag = t.etag, owner_ref = t.owner_ref, system_ref = t.system_ref, errors = t.errors
                  FROM said t WHERE e.id = t.id
                )
                UPDATE cb_catalog_body b SET json = t.json FROM said t WHERE b.entity_id = t.id
                """,
                [as_rows(("id", *_FINAL), rows)],
            )
        if orphans:
            cursor.execute(
                """
                UPDATE cb_catalog_entity e SET terms = t.terms, fields = t.fields
                FROM json_to_recordset(%s::json) AS t(id bigint, terms text[], fields jsonb) WHERE e.id = t.id
                """,
                [as_rows(("id", "terms", "fields"), orphans)],
            )
