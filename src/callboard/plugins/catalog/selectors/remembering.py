"""Keep answers that are dear to find for as long as the catalog stays as it is.

Counts, facets and searches look at every entity that matches, so they cost more the larger the catalog is; and
everybody who opens the same page asks for the same ones. Triggers on the tables give each state of the catalog a
token, in the transaction that changes it. An answer is kept together with the token it was found under, and given
again only under that one: it is never older than the database.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from uuid import UUID

from callboard.sdk.database import fetch

KEPT = 2_000
LONGEST = 5_000
"""Answers with more rows than this are not kept."""

_kept: OrderedDict[str, tuple[UUID, list[tuple[object, ...]]]] = OrderedDict()
_lock = threading.Lock()


def state() -> UUID | None:
    """Answer the token of the catalog's present state; nothing was ever written where there is none."""
    rows = fetch("SELECT token FROM cb_catalog_state")
    return rows[0][0] if rows else None


def remembered(statement: str, under: UUID | None) -> list[tuple[object, ...]]:
    """Answer the rows of a statement that reads nothing but entities and relations, asked under a state."""
    known = _kept.get(statement)
    if known is not None and known[0] == under:
        return known[1]
    rows = fetch(statement)
    # Between two readings of the same token nothing was committed.
    if under is not None and len(rows) <= LONGEST and state() == under:
        with _lock:
            _kept[statement] = (under, rows)
            _kept.move_to_end(statement)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return rows
