"""Follow renames, so that old links lead to what an entity is called now."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from callboard.lib.refs import RefError, canonical
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.types.emitted import EmittedEntity

ALIASES = "callboard.dev/aliases"
"""Annotation with earlier names of an entity, separated by commas; a name alone is of the same kind."""


def follow_renames(
    written: list[tuple[Source, EmittedEntity]],
    arrived: list[tuple[Source, EmittedEntity]],
    lost: list[tuple[Source, str]],
) -> None:
    """Write redirects for entities that declare an alias, or that came where another one stood before.

    ``written`` is new or changed, ``arrived`` those of them that are new to their source, ``lost`` what the
    sources no longer say. It is a rename when both stand on the same line of a file, or when a file loses
    one entity of a kind and gains one. Runs before the lost ones go.
    """
    pairs = [(old, e.ref, "declared") for _, e in written for old in _aliases(e)]
    if lost and arrived:
        pairs += [(old, new, "moved") for old, new in _moved(arrived, lost)]
    found = {old: (new, how) for old, new, how in reversed(pairs) if old != new}
    with connection.cursor() as cursor:
        if arrived:
            # Whoever comes under a name has it; nobody is led away from there.
            cursor.execute("DELETE FROM cb_catalog_redirect WHERE old_ref = ANY(%s)", [[e.ref for _, e in arrived]])
        if not found:
            return
        columns = [list(found), [new for new, _ in found.values()], [how for _, how in found.values()]]
        cursor.execute(
            """
            UPDATE cb_catalog_redirect r SET new_ref = t.new FROM unnest(%s::text[], %s::text[]) AS t(old, new)
            WHERE r.new_ref = t.old AND r.old_ref <> t.new
            """,
            columns[:2],
        )
        cursor.execute(
            """
            INSERT INTO cb_catalog_redirect (old_ref, new_ref, how, created_at)
            SELECT *, now() FROM unnest(%s::text[], %s::text[], %s::text[])
            ON CONFLICT (old_ref) DO UPDATE SET new_ref = excluded.new_ref, how = excluded.how
            """,
            columns,
        )
        # What people starred is what they mean, whatever it is called.
        cursor.execute(
            """
            INSERT INTO cb_catalog_star (user_ref, entity_ref)
            SELECT s.user_ref, t.new FROM cb_catalog_star s
            JOIN unnest(%s::text[], %s::text[]) AS t(old, new) ON t.old = s.entity_ref
            ON CONFLICT DO NOTHING
            """,
            columns[:2],
        )


def _aliases(emitted: EmittedEntity) -> Iterable[str]:
    text = (emitted.entity["metadata"].get("annotations") or {}).get(ALIASES, "")
    kind, _, rest = emitted.ref.partition(":")
    for name in str(text).split(",") if text else ():
        try:
            yield canonical(name.strip(), kind, rest.partition("/")[0])
        except RefError:
            # A name that cannot be one is nobody's old name.
            continue


def _moved(arrived: list[tuple[Source, EmittedEntity]], lost: list[tuple[Source, str]]) -> Iterable[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.source_id, m.location, m.line, m.ref FROM cb_catalog_emission m
            JOIN unnest(%s::bigint[], %s::text[]) AS gone(source_id, ref)
              ON gone.source_id = m.source_id AND gone.ref = m.ref
            WHERE m.line > 0
            """,
            [[s.pk for s, _ in lost], [ref for _, ref in lost]],
        )
        rows = cursor.fetchall()
    by_line = {(pk, location, line): ref for pk, location, line, ref in rows}
    by_kind: dict[tuple[int, str, str], list[str]] = {}
    for pk, location, _, ref in rows:
        by_kind.setdefault((pk, location, ref.partition(":")[0]), []).append(ref)
    came: dict[tuple[int, str, str], list[str]] = {}
    for source, emitted in arrived:
        came.setdefault((source.pk, emitted.location, emitted.ref.partition(":")[0]), []).append(emitted.ref)
    for source, emitted in arrived:
        key = (source.pk, emitted.location, emitted.ref.partition(":")[0])
        there = by_line.get((source.pk, emitted.location, emitted.line))
        alone = by_kind.get(key, [])
        if there is not None and there.partition(":")[0] == key[2]:
            yield there, emitted.ref
        elif len(alone) == 1 and len(came[key]) == 1:
            yield alone[0], emitted.ref
