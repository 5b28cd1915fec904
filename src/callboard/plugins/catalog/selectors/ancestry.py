"""How an entity came in: the Location entities that led to it, up to the registration."""

from __future__ import annotations

from django.db import connection

from callboard.plugins.catalog.selectors.querying import bodies_of

MAX_ITEMS = 1000


def ancestry_of(ref: str) -> list[tuple[str, list[str]]] | None:
    """Answer ``(entity JSON, refs of what emitted it)``, the entity itself first; ``None`` if it is not to be seen.

    What the caller may not see is left out, with everything above it that is only reached through it.
    """
    parents: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE up(ref, parent_ref) AS (
              SELECT m.ref, l.parent_ref FROM cb_catalog_emission m
              LEFT JOIN cb_catalog_source_link l ON l.source_id = m.source_id WHERE m.ref = %s
              UNION
              SELECT m.ref, l.parent_ref FROM up
              JOIN cb_catalog_emission m ON m.ref = up.parent_ref
              LEFT JOIN cb_catalog_source_link l ON l.source_id = m.source_id
            )
            SELECT ref, parent_ref FROM up ORDER BY ref, parent_ref LIMIT %s
            """,
            [ref, MAX_ITEMS],
        )
        for child, parent in cursor.fetchall():
            known = parents.setdefault(child, [])
            if parent and parent != child and parent not in known:
                known.append(parent)
    bodies = bodies_of([ref, *parents])
    if ref not in bodies:
        return None
    found: list[tuple[str, list[str]]] = []
    todo, seen = [ref], {ref}
    while todo:
        here = todo.pop(0)
        visible = [parent for parent in parents.get(here, ()) if parent in bodies]
        found.append((bodies[here], visible))
        todo += [parent for parent in visible if parent not in seen]
        seen.update(visible)
    return found
