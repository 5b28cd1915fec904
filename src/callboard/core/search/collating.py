"""Keep the index as the collators say: refs that changed at once, everything now and then, never blocking a reader.

A complete run writes beside the reads: rows that changed are replaced, rows that nobody listed go at the end.
What changes while it runs is written at once as well, and once more at its end, so that the run cannot bring
back an older state.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import connection, transaction

from callboard.core.registry.contract import SearchCollator, SearchDocument
from callboard.core.registry.store import registry
from callboard.core.search import semantic
from callboard.core.search.access import spelling
from callboard.core.search.answers import forget_answers
from callboard.core.search.preparing import FORMAT, Prepared, UnusableDocumentError, prepare
from callboard.core.search.writing import LOCKS, Written, lock, remove_beyond, write

log = logging.getLogger(__name__)

BATCH = 1_000
NIGHTLY = 24 * 60
RUN_LOCKS = LOCKS + 1

Report = Callable[[int, str], None]


class SearchIndexError(Exception):
    """The index could not be renewed; the message says why and what remains."""


@dataclass
class Rebuilt:
    """What a complete run came to."""

    type: str
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    refused: int = 0
    seconds: float = 0.0


def collators(document_type: str) -> list[SearchCollator]:
    """Answer the collators of a type, of plugins that are on."""
    return [item for item in registry.of(SearchCollator) if item.type == document_type]


def refresh(document_type: str, refs: Sequence[str]) -> Written:
    """Renew the documents of some refs: what the collator yields stays, what it no longer yields goes.

    For a collator without ``documents_of`` there is nothing to be done at once.
    """
    total = Written()
    wanted = list(dict.fromkeys(ref.lower() for ref in refs if ref))
    for collator in collators(document_type):
        if collator.documents_of is None:
            continue
        for begin in range(0, len(wanted), BATCH):
            part = wanted[begin : begin + BATCH]
            with transaction.atomic():
                # Locked before the collator reads, so that a later reading is also written later.
                lock(document_type)
                with registry.guard(collator):
                    found, _ = _prepared(collator, collator.documents_of(part))
                done = write(document_type, found)
                total.removed += remove_beyond(document_type, part, [item.key for item in found])
                _touch(document_type, part)
            total.written += done.written
            total.unchanged += done.unchanged
            total.ids += done.ids
    semantic.embed(total.ids[:BATCH])
    forget_answers()
    return total


def rebuild(document_type: str, report: Report | None = None, *, anew: bool = False) -> Rebuilt:
    """List everything of a type and make the index say the same. ``anew`` writes unchanged documents too.

    Raises :class:`SearchIndexError` when a collator fails; then nothing is removed, and what was found before
    is still found.
    """
    sources = collators(document_type)
    if not sources:
        raise SearchIndexError(f"no plugin that is switched on contributes documents of type {document_type!r}")
    done = Rebuilt(document_type)
    began = time.monotonic()
    with _running(document_type) as started:
        if anew or _format_of(document_type) != FORMAT:
            _forget_digests(document_type)
        try:
            _list_all(sources, started, done, report)
        except Exception as error:
            _note_failure(document_type, str(error) or type(error).__name__)
            raise SearchIndexError(
                f"documents of type {document_type!r} could not be listed: {error}; "
                "what was found before is still found"
            ) from error
        done.removed = _sweep(document_type, started)
        done.seconds = time.monotonic() - began
        _note_success(document_type, done)
    forget_answers()
    return done


def forget_type(document_type: str) -> int:
    """Remove every document of a type, such as one whose plugin is gone."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM cb_index_document WHERE type = %s", [document_type])
        removed = int(cursor.rowcount)
        cursor.execute("DELETE FROM cb_index_type WHERE type = %s", [document_type])
    forget_answers()
    return removed


def _list_all(sources: list[SearchCollator], started: datetime, done: Rebuilt, report: Report | None) -> None:
    for collator in sources:
        with registry.guard(collator):
            stream = iter(collator.documents())
            while True:
                batch = list(islice(stream, BATCH))
                if not batch:
                    break
                found, refused = _prepared(collator, batch)
                done.refused += refused
                with transaction.atomic():
                    _note_keys([item.key for item in found])
                    written = write(collator.type, found, before=started)
                done.written += written.written
                done.unchanged += written.unchanged
                if report:
                    report(done.written + done.unchanged, collator.title or collator.type)


def _prepared(collator: SearchCollator, documents: Iterable[SearchDocument]) -> tuple[list[Prepared], int]:
    found: list[Prepared] = []
    refused = 0
    spelt = spelling(collator)
    for document in documents:
        try:
            found.append(prepare(collator.type, document, spelt))
        except (UnusableDocumentError, AttributeError, TypeError, ValueError) as error:
            refused += 1
            log.warning("a search document of %s was left out: %s", collator.id, error)
    return found, refused


@contextmanager
def _running(document_type: str) -> Iterator[datetime]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [RUN_LOCKS, document_type])
        if not cursor.fetchone()[0]:
            raise SearchIndexError(f"documents of type {document_type!r} are being listed already")
        try:
            cursor.execute("CREATE TEMP TABLE IF NOT EXISTS cb_index_seen (key text)")
            cursor.execute("TRUNCATE cb_index_seen")
            cursor.execute(
                """INSERT INTO cb_index_type AS s (type, documents, seconds, touched, error, format, run_started_at)
                VALUES (%s, 0, 0, '{}', '', 0, clock_timestamp())
                ON CONFLICT (type) DO UPDATE SET run_started_at = excluded.run_started_at, touched = '{}'
                RETURNING run_started_at""",
                [document_type],
            )
            started: datetime = cursor.fetchone()[0]
            yield started
        finally:
            if not connection.needs_rollback:
                cursor.execute("UPDATE cb_index_type SET run_started_at = NULL WHERE type = %s", [document_type])
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [RUN_LOCKS, document_type])


def _note_keys(keys: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO cb_index_seen SELECT unnest(%s::text[])", [keys])


def _sweep(document_type: str, started: datetime) -> int:
    """Remove what nobody listed, then renew what changed meanwhile, and end the run in the same moment."""
    removed = 0
    with transaction.atomic():
        lock(document_type)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE cb_index_seen")
            cursor.execute(
                """DELETE FROM cb_index_document d WHERE d.type = %s AND d.indexed_at < %s
                AND NOT EXISTS (SELECT FROM cb_index_seen s WHERE s.key = d.key)""",
                [document_type, started],
            )
            removed = int(cursor.rowcount)
            cursor.execute(
                "UPDATE cb_index_type SET run_started_at = NULL WHERE type = %s RETURNING touched", [document_type]
            )
            touched = cursor.fetchone()[0]
            cursor.execute("TRUNCATE cb_index_seen")
        if touched:
            removed += refresh(document_type, touched).removed
    return removed


def _touch(document_type: str, refs: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cb_index_type SET touched = touched || %s::text[] WHERE type = %s AND run_started_at IS NOT NULL",
            [list(refs), document_type],
        )


def _format_of(document_type: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT format FROM cb_index_type WHERE type = %s", [document_type])
        return int(cursor.fetchone()[0])


def _forget_digests(document_type: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cb_index_document SET digest = '' WHERE type = %s", [document_type])


def _note_success(document_type: str, done: Rebuilt) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE cb_index_type SET built_at = now(), seconds = %s, error = '', failed_at = NULL, format = %s,
              documents = (SELECT count(*) FROM cb_index_document WHERE type = %s) WHERE type = %s""",
            [done.seconds, FORMAT, document_type, document_type],
        )


def _note_failure(document_type: str, message: str) -> None:
    log.warning("documents of type %s could not be listed: %s", document_type, message)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cb_index_type SET error = %s, failed_at = now() WHERE type = %s",
            [message[:2000].replace("\x00", ""), document_type],
        )


def due() -> tuple[str, ...]:
    """Answer the types to list again: never listed or of an older format, failed, or not for as long as they say."""
    every: dict[str, int] = {}
    for collator in registry.of(SearchCollator):
        minutes = collator.every_minutes or NIGHTLY
        every[collator.type] = min(minutes, every.get(collator.type, minutes))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type, format, extract(epoch FROM now() - greatest(built_at, failed_at)) / 60 FROM cb_index_type"
        )
        states = {name: (form, age) for name, form, age in cursor.fetchall()}
    found = []
    for name, minutes in every.items():
        form, age = states.get(name, (0, None))
        if age is None or form != FORMAT or age >= minutes:
            found.append(name)
    return tuple(found)


def count_words() -> None:
    """Renew how many documents have each stem: rare words count for more. Words nobody uses any longer go."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH stat AS (SELECT word, ndoc FROM ts_stat('SELECT body FROM cb_index_document') WHERE word !~ '=')
            UPDATE cb_index_word w SET documents = stat.ndoc FROM stat
            WHERE stat.word = w.stem AND w.documents <> stat.ndoc"""
        )
        cursor.execute("ANALYZE cb_index_document")


__all__ = [
    "Rebuilt",
    "Report",
    "SearchIndexError",
    "collators",
    "count_words",
    "due",
    "forget_type",
    "rebuild",
    "refresh",
]
