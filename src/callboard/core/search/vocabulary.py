"""Turn words into what the index holds: their stems in each language, how rare they are, what was meant by them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from callboard.core.config.current import portal_config
from callboard.core.search.answers import forget_answers
from callboard.lib.words import distance, near_keys, slips_allowed

KEEP_SECONDS = 60.0
KEEP_WORDS = 20_000


@dataclass(frozen=True)
class Term:
    """A word as the index knows it.

    ``stems`` are its lexemes over all languages. A word that says nothing in some language (``stop``) need
    not occur. ``documents`` is how many documents have it, ``known`` whether any has.
    """

    word: str
    stems: tuple[str, ...]
    stop: bool
    documents: int

    @property
    def known(self) -> bool:
        """Whether any document has the word."""
        return self.documents > 0

    def rarity(self, total: int) -> float:
        """Answer how much the word tells (inverse document frequency)."""
        count = min(self.documents, total)
        value = math.log(1 + (total - count + 0.5) / (count + 0.5))
        return max(0.05, value * (0.3 if self.stop else 1.0))


_terms: dict[str, tuple[float, Term]] = {}
_total: list[tuple[float, int]] = []


def forget_vocabulary() -> None:
    """Ask the database again; what the process remembers may be a minute old."""
    _terms.clear()
    _total.clear()
    forget_answers()


def document_total() -> int:
    """Answer about how many documents there are, as the server estimates it."""
    now = time.monotonic()
    if _total and _total[0][0] > now:
        return _total[0][1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'cb_index_document'::regclass")
        found = max(1_000, int(cursor.fetchone()[0]))
    _total[:] = [(now + KEEP_SECONDS, found)]
    return found


def terms(wanted: Sequence[str]) -> list[Term]:
    """Answer the terms of words, in order, asking the database once for those not remembered."""
    now = time.monotonic()
    unknown = [word for word in wanted if _terms.get(word, (0.0,))[0] <= now]
    if unknown:
        if len(_terms) > KEEP_WORDS:
            _terms.clear()
        for term in _ask(unknown):
            _terms[term.word] = (now + KEEP_SECONDS, term)
    return [_terms[word][1] for word in wanted if word in _terms]


def _ask(wanted: Sequence[str]) -> Iterable[Term]:
    # Names of a closed list, so they may stand in the statement.
    stems = [f"ts_lexize('{name}_stem', w)" for name in portal_config().search.languages] or ["ARRAY[w]"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT w, all_stems, stop, coalesce((
                  SELECT sum(most) FROM (
                    SELECT max(documents) AS most FROM cb_index_word WHERE stem = ANY(all_stems) GROUP BY stem
                  ) AS counted), 0)
            FROM (
              SELECT w, n, array(SELECT DISTINCT unnest(ARRAY[w] || {" || ".join(stems)})) AS all_stems,
                {" OR ".join(f"{stem} = '{{}}'" for stem in stems)} AS stop
              FROM unnest(%s::text[]) WITH ORDINALITY AS t(w, n)
            ) AS stemmed ORDER BY n""",  # noqa: S608
            [list(wanted)],
        )
        for word, stems, stop, documents in cursor.fetchall():
            yield Term(word, tuple(stems), bool(stop), int(documents))


def synonyms(word: str) -> tuple[str, ...]:
    """Answer the words that mean the same, as the settings say."""
    for group in portal_config().search.synonyms:
        folded = [item.lower() for item in group]
        if word in folded:
            return tuple(item for item in folded if item != word)
    return ()


def meant_by(word: str, limit: int = 3) -> list[str]:
    """Answer known words that a misspelt or unfinished one may stand for, likeliest first."""
    if len(word) < 3:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT word, documents FROM cb_index_word WHERE near && %s::text[]
            ORDER BY abs(length(word) - length(%s)), documents DESC LIMIT 200""",
            [near_keys(word), word],
        )
        close = cursor.fetchall()
        cursor.execute(
            "SELECT word, documents FROM cb_index_word WHERE word LIKE %s ORDER BY documents DESC LIMIT 5",
            [word.replace("%", "").replace("_", "") + "%"],
        )
        begun = cursor.fetchall()
    slips = slips_allowed(word)
    scored = [
        (distance(word, other) + (0.5 if other[:1] != word[:1] else 0.0) - min(0.4, math.log1p(count) / 20), other)
        for other, count in close
        if other != word and distance(word, other) <= slips
    ]
    found = [other for _, other in sorted(scored)]
    completed = [other for other, _ in begun if other != word] if len(word) >= 4 else []
    return list(dict.fromkeys((*completed[:2], *found) if not found else (*found, *completed[:1])))[:limit]
