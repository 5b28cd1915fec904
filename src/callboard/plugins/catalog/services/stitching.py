"""Write the final entity: what its source says, its relations from both sides, its status.

Changed entities are stitched at once. The other ends of their relations are only marked dirty, and
stitched in large batches, because a system of ten thousand parts would otherwise be written ten
thousand times while it is loaded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import orjson
from django.db import connection, transaction

from callboard.lib.digest import text_hash
from callboard.plugins.catalog.services.bulk import as_rows
from callboard.plugins.catalog.types.terms import search_values

BATCH = 2000

APPLY_LOCK = 0x_CA11_B0A2
"""Advisory lock: one process at a time writes the catalog. Reading, which takes the time, goes on in parallel."""


def lock_catalog() -> None:
    """Wait until no other process writes the catalog; held to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [APPLY_LOCK])


COLUMNS = (
    "id", "etag", "json", "title", "description", "type", "lifecycle", "owner_ref", "system_ref", "tags", "terms",
    "fields", "errors",
)  # fmt: skip
"""What the stitcher writes of an entity, in the order of its rows."""


def mark_dirty(refs: Iterable[str]) -> None:
    """Ask for these entities to be stitched."""
    wanted = list(refs)
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE cb_catalog_entity SET dirty = true WHERE ref = ANY(%s) AND NOT dirty", [wanted])


def stitch_dirty(budget_seconds: float = 60.0) -> int:
    """Stitch what is marked, in batches; answer how many. Stops when the time is used up."""
    done = 0
    end = time.monotonic() + budget_seconds
    while time.monotonic() < end:
        with transaction.atomic(), connection.cursor() as cursor:
            # Relations that another process is just writing would be missed, and nobody would look again.
            lock_catalog()
            cursor.execute("SELECT ref FROM cb_catalog_entity WHERE dirty ORDER BY id LIMIT %s", [BATCH])
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
    if not refs:
        return
    with connection.cursor() as cursor:
        # The source's own words are in the emission; an orphan has none left, its last body speaks for it.
        cursor.execute(
            """
            SELECT e.id, e.ref, e.uid::text, e.etag, e.orphan, coalesce(m.entity, b.json) FROM cb_catalog_entity e
            LEFT JOIN cb_catalog_emission m ON m.source_id = e.source_id AND m.ref = e.ref
            LEFT JOIN cb_catalog_body b ON b.entity_id = e.id AND m.id IS NULL
            WHERE e.ref = ANY(%s)
            """,
            [refs],
        )
        rows = cursor.fetchall()
        cursor.execute(
            """
            SELECT DISTINCT source_ref, type, target_ref FROM cb_catalog_relation
            WHERE source_ref = ANY(%s) ORDER BY source_ref, type, target_ref
            """,
            [refs],
        )
        relations: dict[str, list[dict[str, str]]] = {}
        for source_ref, kind, target_ref in cursor.fetchall():
            relations.setdefault(source_ref, []).append({"type": kind, "targetRef": target_ref})
        cursor.execute(
            """
            SELECT p.ref, p.code, p.message, p.severity FROM cb_catalog_problem p
            JOIN cb_catalog_entity e ON e.ref = p.ref AND e.source_id = p.source_id
            WHERE p.ref = ANY(%s) ORDER BY p.id
            """,
            [refs],
        )
        status: dict[str, list[dict[str, Any]]] = {}
        for ref, code, message, severity in cursor.fetchall():
            status.setdefault(ref, []).append(_status_item(code, message, severity))
    out: list[tuple[Any, ...]] = []
    same: list[int] = []
    for pk, ref, uid, etag, orphan, text in rows:
        row = _final(pk, uid, orphan, orjson.loads(text), relations.get(ref, []), status.get(ref, []))
        if row[1] == etag:
            same.append(pk)
        else:
            out.append(row)
    _store(out, same)


def _final(
    pk: int,
    uid: str,
    orphan: bool,
    said: dict[str, Any],
    relations: list[dict[str, str]],
    status: list[dict[str, Any]],
) -> tuple[Any, ...]:
    metadata = {k: v for k, v in said["metadata"].items() if k not in {"uid", "etag"}}
    if orphan:
        metadata["annotations"] = {**metadata.get("annotations", {}), "backstage.io/orphan": "true"}
    entity: dict[str, Any] = {"apiVersion": said["apiVersion"], "kind": said["kind"], "metadata": metadata}
    entity.update({k: v for k, v in said.items() if k not in {"apiVersion", "kind", "metadata", "relations", "status"}})
    if status:
        entity["status"] = {"items": status}
    entity["relations"] = relations
    etag = text_hash(orjson.dumps(entity))
    metadata["uid"], metadata["etag"] = uid, etag
    values = search_values(entity)
    fields: dict[str, Any] = {}
    terms: set[str] = set()
    for key, value in values:
        terms.add(key)
        if value is not None:
            terms.add(f"{key}={value.lower()[:200]}")
        if key in fields:
            held = fields[key]
            fields[key] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            fields[key] = value
    spec = said.get("spec") or {}
    profile = spec.get("profile") if isinstance(spec.get("profile"), dict) else {}
    title = metadata.get("title") or (profile or {}).get("displayName") or ""
    return (
        pk,
        etag,
        orjson.dumps(entity).decode(),
        str(title),
        str(metadata.get("description") or "")[:2000],
        _text(spec.get("type")),
        _text(spec.get("lifecycle")),
        next((r["targetRef"] for r in relations if r["type"] == "ownedBy"), ""),
        next((r["targetRef"] for r in relations if r["type"] == "partOf"), ""),
        [tag for tag in metadata.get("tags") or [] if isinstance(tag, str)],
        sorted(terms),
        fields,
        sum(1 for item in status if item["level"] == "error"),
    )


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


def _store(rows: list[tuple[Any, ...]], same: list[int]) -> None:
    with connection.cursor() as cursor:
        if rows:
            cursor.execute(
                """
                WITH said AS (
                  SELECT * FROM json_to_recordset(%s::json)
                    AS t(id bigint, etag text, json text, title text, description text, type text, lifecycle text,
                         owner_ref text, system_ref text, tags text[], terms text[], fields jsonb, errors int)
                ), written AS (
                  UPDATE cb_catalog_entity e SET
                    etag = t.etag, title = t.title, description = t.description, type = t.type,
                    lifecycle = t.lifecycle, owner_ref = t.owner_ref, system_ref = t.system_ref, tags = t.tags,
                    terms = t.terms, fields = t.fields, errors = t.errors, dirty = false
                  FROM said t WHERE e.id = t.id
                )
                INSERT INTO cb_catalog_body (entity_id, json) SELECT id, json FROM said
                ON CONFLICT (entity_id) DO UPDATE SET json = excluded.json
                """,
                [as_rows(COLUMNS, rows)],
            )
        if same:
            cursor.execute("UPDATE cb_catalog_entity SET dirty = false WHERE id = ANY(%s) AND dirty", [same])
