"""Find by meaning, where PostgreSQL has the vector extension; without it everything else works and says so.

Some builds of the extension crash the server on processors they were not made for. So it is tried once for each
build, by a worker, on a connection of its own, and that it is being tried is written down first: a note that was
left behind means that the trial ended in a crash, and it is not repeated.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction

from callboard.core.config.current import portal_config
from callboard.core.search.access import Access
from callboard.core.search.answers import forget_answers
from callboard.core.search.embedding import embedder, let_go, vector_text
from callboard.core.search.models import Document, Semantics
from callboard.core.search.postgres import compile_question
from callboard.core.search.preparing import passage_of
from callboard.core.search.question import Question
from callboard.core.search.types import EmbeddingError

log = logging.getLogger(__name__)

TABLE = "cb_index_vector"
NEIGHBOURS = 60
LIKENESS = 0.32
"""Below it, two texts have nothing to do with each other as far as the built-in model can tell."""
BATCH = 500
AFRESH = 5_000
"""With more vectors to write than this, the table is made anew beside the old one: ten times as fast."""
GRAPH = "m = 12, ef_construction = 48"
LOCK = 0x63620007
KNOWN_SECONDS = 5.0
PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class SemanticState:
    """Whether meaning is searched: ``on``, or ``off`` with the reason; and how many documents wait for vectors."""

    on: bool
    reason: str
    model: str
    waiting: int


_MISSING = "NOT EXISTS (SELECT FROM {} v WHERE v.id = d.id AND v.digest = d.digest)"
_EMBEDDED = ("id", "title", "fields", "text", "digest")

_known: list[tuple[float, bool]] = []
_paused: list[float] = [0.0]


def forget_semantics() -> None:
    """Ask the database again whether meaning is on."""
    _known.clear()
    _paused[0] = 0.0
    forget_answers()
    _embedded.cache_clear()


def is_on() -> bool:
    """Whether meaning can be searched; what the process knows may be seconds old."""
    now = time.monotonic()
    if not _known or _known[0][0] <= now:
        on = portal_config().search.semantic and Semantics.objects.filter(pk=1, state="on").exists()
        _known[:] = [(now + KNOWN_SECONDS, on)]
    return _known[0][1]


def semantic_state() -> SemanticState:
    """Answer whether meaning is searched, and if not, why and what to do."""
    if not portal_config().search.semantic:
        return SemanticState(False, "It is switched off in the configuration (`search.semantic`).", "", 0)
    row = Semantics.objects.filter(pk=1).first()
    if row is None or row.state == "unknown":
        return SemanticState(False, "It has not been tried yet; a worker does so within minutes.", "", 0)
    if row.state != "on":
        return SemanticState(False, row.reason or "It is being tried.", "", 0)
    with connection.cursor() as cursor:
        return SemanticState(True, "", row.model, _count_waiting(cursor))


# --- Asking -----------------------------------------------------------------------


def nearest(sentence: str, question: Question, allowed: Access) -> list[tuple[int, float]] | None:
    """Answer ids with their likeness, best first; ``None`` where meaning is off."""
    if not is_on() or time.monotonic() < _paused[0]:
        return None
    try:
        vector = _embedded(sentence)
    except EmbeddingError as error:
        # One search that has to wait for a time-out is enough.
        _paused[0] = time.monotonic() + PAUSE_SECONDS
        log.warning("meaning is not searched for %.0f seconds: %s", PAUSE_SECONDS, error)
        return None
    condition, params = allowed.condition()
    fixed = compile_question(Question(filters=question.filters, types=question.types, phrases=question.phrases,
                                      excluded=question.excluded), allowed.owner_refs).with_fixed("")  # fmt: skip
    match, values = ("AND d.body @@ %s::tsquery", [fixed]) if fixed else ("", [])
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL hnsw.ef_search = 64; SET LOCAL hnsw.iterative_scan = relaxed_order")
            cursor.execute(
                f"""SELECT d.id, 1 - (v.vector <=> q.vector) FROM {TABLE} v
                JOIN cb_index_document d ON d.id = v.id, (SELECT %s::halfvec AS vector) AS q
                WHERE {condition} {match}
                ORDER BY v.vector <=> %s::halfvec LIMIT {NEIGHBOURS}""",  # noqa: S608
                [vector, *params, *values, vector],
            )
            rows = cursor.fetchall()
    except DatabaseError as error:
        _known.clear()
        log.warning("meaning could not be searched: %s", error)
        return None
    found = [(pk, float(likeness)) for pk, likeness in rows if likeness is not None and likeness >= LIKENESS]
    return sorted(found, key=lambda item: (-item[1], item[0]))


@lru_cache(maxsize=2_000)
def _embedded(sentence: str) -> str:
    (vector,) = embedder().embed([sentence])
    return vector_text(vector)


# --- Trying the extension ----------------------------------------------------------


def probe(*, again: bool = False) -> SemanticState:
    """Try whether vectors work here, once for each build of the server, and make their table where they do.

    ``again`` repeats a trial that ended in a crash.
    """
    if not portal_config().search.semantic:
        return semantic_state()
    # A connection of its own: a crash must not take a transaction of somebody else with it.
    try:
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as own, own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [LOCK])
            if (cursor.fetchone() or [False])[0]:
                _probe(cursor, again=again)
    except psycopg.Error as error:
        log.warning("the vector extension could not be tried: %s", error)
    _known.clear()
    return semantic_state()


def _probe(cursor: Any, *, again: bool) -> None:
    cursor.execute("SELECT state, server, to_regclass(%s) FROM cb_index_semantics WHERE id = 1", [TABLE])
    state, tried, table = cursor.fetchone() or ("unknown", "", None)
    build = _build(cursor)
    if not build:
        _note(cursor, "off", "This PostgreSQL does not offer the vector extension (pgvector 0.7 or newer).", "")
        return
    if state == "on" and tried == build and table:
        return
    if state in {"probing", "crashed"} and tried == build and not again:
        _note(
            cursor,
            "crashed",
            "The vector extension made PostgreSQL crash when it was tried; its build does not suit this processor. "
            "Install another build, then run `callboard search status --try-again`.",
            build,
        )
        return
    _note(cursor, "probing", "", build)
    try:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        _note(
            cursor,
            "off",
            f"The portal may not create the vector extension: {reason}. "
            "Let the owner of the database run `CREATE EXTENSION vector`.",
            build,
        )
        return
    try:
        cursor.execute(
            """CREATE TEMP TABLE cb_trial (v halfvec(3));
            INSERT INTO cb_trial VALUES ('[1,2,3]'), ('[3,1,2]');
            CREATE INDEX ON cb_trial USING hnsw (v halfvec_cosine_ops)"""
        )
        cursor.execute("SELECT v <=> '[1,2,3]' FROM cb_trial ORDER BY v <=> '[1,2,3]' LIMIT 1")
    except psycopg.Error as error:
        if cursor.connection.closed:
            raise  # the server went down; the note that was left behind says so
        _note(cursor, "off", f"The vector extension does not do what is needed: {error}", build)
        return
    try:
        model = embedder()
    except EmbeddingError as error:
        _note(cursor, "off", str(error), build)
        return
    _make_table(cursor, model.name, model.dimensions)
    let_go()
    _note(cursor, "on", "", build)


def _build(cursor: Any) -> str:
    """Answer which build of server and extension this is; on this machine, on which kind of processor as well."""
    cursor.execute(
        "SELECT version() || ' vector ' || max(default_version) FROM pg_available_extensions WHERE name = 'vector'"
    )
    found = cursor.fetchone()[0]
    if not found:
        return ""
    if str(connection.settings_dict.get("HOST", "")).startswith("/"):
        try:
            flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
        except (OSError, StopIteration):
            flags = ""
        found += " on " + hashlib.blake2b(flags.encode(), digest_size=6).hexdigest()
    return str(found)


def _note(cursor: Any, state: str, reason: str, build: str) -> None:
    cursor.execute(
        """INSERT INTO cb_index_semantics (id, state, reason, model, dimensions, server, probed_at)
        VALUES (1, %s, %s, '', 0, %s, now())
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason, server = excluded.server,
          probed_at = now()""",
        [state, reason[:1000], build],
    )


def _make_table(cursor: Any, model: str, dimensions: int) -> None:
    """Make the table of vectors, anew when another model made those that are there."""
    cursor.execute("SELECT model, dimensions, to_regclass(%s) FROM cb_index_semantics WHERE id = 1", [TABLE])
    if cursor.fetchone() == (model, dimensions, TABLE):
        return
    cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
    _create(cursor, TABLE, dimensions)
    _create_graph(cursor, TABLE)
    cursor.execute("UPDATE cb_index_semantics SET model = %s, dimensions = %s WHERE id = 1", [model, dimensions])


def _create(cursor: Any, table: str, dimensions: int) -> None:
    # No foreign key: the documents must stay free to be emptied at once by what knows nothing of this table.
    cursor.execute(
        f"""CREATE TABLE {table} (
          id bigint PRIMARY KEY,
          digest text NOT NULL,
          vector halfvec({int(dimensions)}) NOT NULL)"""
    )


def _create_graph(cursor: Any, table: str) -> None:
    cursor.execute(f"CREATE INDEX ON {table} USING hnsw (vector halfvec_cosine_ops) WITH ({GRAPH})")


# --- Computing vectors ---------------------------------------------------------------


def embed(ids: Sequence[int]) -> None:
    """Compute the vectors of a few documents at once; what fails is made up for by :func:`embed_waiting`."""
    if not ids or not is_on():
        return
    try:
        with connection.cursor() as cursor:
            _write(cursor, TABLE, list(Document.objects.filter(pk__in=ids).values_list(*_EMBEDDED)))
            let_go()
    except (EmbeddingError, DatabaseError) as error:
        log.warning("vectors could not be computed: %s", error)


def embed_waiting(report: Callable[[int, str], None] | None = None) -> int:
    """Compute the vectors that are missing; answer how many. Readers go on with those that are there."""
    if not is_on():
        return 0
    forget_answers()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 1)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            # Vectors of documents that are gone are never found, and go here.
            cursor.execute(
                f"DELETE FROM {TABLE} v WHERE NOT EXISTS (SELECT FROM cb_index_document d WHERE d.id = v.id)"  # noqa: S608
            )
            if _count_waiting(cursor) <= AFRESH:
                return _fill(cursor, TABLE, report)
            return _fill_afresh(cursor, report)
        except EmbeddingError as error:
            log.warning("vectors could not be computed: %s", error)
            return 0
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, 1)", [LOCK])


def _count_waiting(cursor: Any) -> int:
    cursor.execute(f"SELECT count(*) FROM cb_index_document d WHERE {_MISSING.format(TABLE)}")  # noqa: S608
    return int(cursor.fetchone()[0])


def _fill_afresh(cursor: Any, report: Callable[[int, str], None] | None) -> int:
    """Fill a second table, give it its index when it is full, and put it in the place of the first."""
    new = f"{TABLE}_new"
    row = Semantics.objects.get(pk=1)
    cursor.execute(f"DROP TABLE IF EXISTS {new}")
    _create(cursor, new, row.dimensions)
    cursor.execute(
        f"""INSERT INTO {new} SELECT v.* FROM {TABLE} v JOIN cb_index_document d USING (id) WHERE d.digest = v.digest"""  # noqa: S608
    )
    done = _fill(cursor, new, report)
    _create_graph(cursor, new)
    with transaction.atomic():
        cursor.execute(f"DROP TABLE {TABLE}")
        cursor.execute(f"ALTER TABLE {new} RENAME TO {TABLE}")
    return done


def _fill(cursor: Any, table: str, report: Callable[[int, str], None] | None) -> int:
    cursor.execute(
        f"SELECT array_agg(d.id ORDER BY d.id) FROM cb_index_document d WHERE {_MISSING.format(table)}"  # noqa: S608
    )
    ids = cursor.fetchone()[0] or []
    for begin in range(0, len(ids), BATCH):
        part = ids[begin : begin + BATCH]
        _write(cursor, table, list(Document.objects.filter(pk__in=part).values_list(*_EMBEDDED)))
        if report:
            report(min(begin + BATCH, len(ids)), "vectors")
    let_go()
    return len(ids)


def _write(cursor: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    texts = [passage_of(title, _names(fields), text) for _, title, fields, text, _ in rows]
    vectors = embedder().embed(texts)
    with transaction.atomic():
        # Rows that went meanwhile have no document to belong to.
        cursor.execute(
            f"""INSERT INTO {table} (id, digest, vector)
            SELECT t.id, t.digest, t.vector::halfvec
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS t(id, digest, vector)
            JOIN cb_index_document d USING (id)
            ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, vector = excluded.vector""",  # noqa: S608
            [[row[0] for row in rows], [row[4] for row in rows], [vector_text(vector) for vector in vectors]],
        )


def _names(fields: dict[str, Any]) -> str:
    """Answer the values of fields that say what a thing is."""
    said = [fields.get("type", ""), fields.get("system", ""), fields.get("api", "")]
    tags = fields.get("tag", [])
    said += tags if isinstance(tags, list) else [tags]
    return " ".join(str(part) for part in said if part and part != "other")


__all__ = [
    "SemanticState",
    "embed",
    "embed_waiting",
    "forget_semantics",
    "is_on",
    "nearest",
    "probe",
    "semantic_state",
]
