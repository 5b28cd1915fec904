"""Say how the index stands, look single documents up, and let use count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from callboard.core.search.access import access, known_types
from callboard.core.search.answers import forget_answers
from callboard.core.search.engines import engine
from callboard.core.search.models import TypeState
from callboard.core.search.semantic import SemanticState, semantic_state


@dataclass(frozen=True)
class TypeStatus:
    """How a type of document stands."""

    type: str
    documents: int
    built_at: datetime | None
    seconds: float
    running: bool
    error: str
    failed_at: datetime | None


@dataclass(frozen=True)
class IndexStatus:
    """How the index stands."""

    engine: str
    types: tuple[TypeStatus, ...]
    semantic: SemanticState


@dataclass(frozen=True)
class DocumentName:
    """What is needed to say which document was chosen."""

    id: int
    type: str
    key: str
    title: str
    location: str
    owner_ref: str


def index_status() -> IndexStatus:
    """Answer how every type stands, and whether meaning is searched."""
    states = {row.type: row for row in TypeState.objects.all()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, count(*) FROM cb_index_document GROUP BY type")
        counts = dict(cursor.fetchall())
    found = []
    for name in known_types():
        state = states.get(name)
        found.append(
            TypeStatus(
                name,
                counts.get(name, 0),
                state.built_at if state else None,
                state.seconds if state else 0.0,
                bool(state and state.run_started_at),
                state.error if state else "",
                state.failed_at if state else None,
            )
        )
    return IndexStatus(engine().name, tuple(found), semantic_state())


def is_indexed(document_type: str) -> bool:
    """Whether a type was listed completely at least once."""
    return TypeState.objects.filter(type=document_type, built_at__isnull=False).exists()


def document_of(document_id: int) -> DocumentName | None:
    """Answer a document, if the caller may find it."""
    allowed = access()
    if not allowed.types:
        return None
    condition, params = allowed.condition()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT d.id, d.type, d.key, d.title, d.location, d.owner_ref
            FROM cb_index_document d WHERE d.id = %s AND {condition}""",  # noqa: S608
            [document_id, *params],
        )
        row = cursor.fetchone()
    return DocumentName(*row) if row else None


def set_clicks(clicks: Sequence[tuple[str, str, float]]) -> int:
    """Let documents come earlier that are chosen often: ``(type, key, weight)``; others fall back."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH counted AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::float[]) AS t(type, key, clicks))
            UPDATE cb_index_document d SET clicks = n.clicks, quality = d.weight * (1 + 0.15 * ln(1 + n.clicks))
            FROM (
              SELECT d.id, coalesce(c.clicks, 0) AS clicks FROM cb_index_document d
              LEFT JOIN counted c USING (type, key) WHERE d.clicks > 0 OR c.clicks > 0
            ) AS n
            WHERE d.id = n.id AND abs(d.clicks - n.clicks) > 0.2""",
            [[item[0] for item in clicks], [item[1] for item in clicks], [item[2] for item in clicks]],
        )
        changed = int(cursor.rowcount)
    forget_answers()
    return changed
