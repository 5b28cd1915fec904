"""Write documents into the index of PostgreSQL, many in a statement; unchanged ones cost a look at their digest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction

from callboard.core.search.models import Document
from callboard.core.search.preparing import Prepared, finish, words_to_learn
from callboard.lib.words import near_keys

LOCKS = 0x63620005
"""First half of the advisory locks that let one writer at a time renew documents of a type."""

_COLUMNS = """key text, ref text, authorization_ref text, title text, name text, text text, location text,
  fields jsonb, owner_ref text, language regconfig, weight float, digest text, changed_at timestamptz,
  title_words text, keyword_words text, text_words text, filters text"""

_UPSERT = f"""
INSERT INTO cb_index_document AS d
  (type, key, ref, authorization_ref, title, name, text, location, fields, owner_ref, language, weight, clicks,
   quality, digest, changed_at, indexed_at, lead, body)
SELECT %(type)s, key, ref, authorization_ref, title, name, text, location, fields, owner_ref, language::text, weight, 0,
   weight, digest, changed_at, clock_timestamp(), lead,
   lead || setweight(to_tsvector(language, text_words), 'C')
FROM (
  SELECT *,
    setweight(to_tsvector(language, title_words), 'A') || setweight(to_tsvector('simple', title_words), 'A')
    || setweight(to_tsvector(language, keyword_words), 'B') || setweight(to_tsvector('simple', keyword_words), 'B')
    || filters::tsvector AS lead
  FROM json_to_recordset(%(rows)s::json) AS t({_COLUMNS})
) AS made
ON CONFLICT (type, key) DO UPDATE SET
  ref = excluded.ref, authorization_ref = excluded.authorization_ref, title = excluded.title, name = excluded.name,
  text = excluded.text, location = excluded.location, fields = excluded.fields, owner_ref = excluded.owner_ref,
  language = excluded.language, weight = excluded.weight, digest = excluded.digest,
  quality = excluded.weight * (1 + 0.15 * ln(1 + d.clicks)),
  changed_at = excluded.changed_at, indexed_at = excluded.indexed_at, lead = excluded.lead, body = excluded.body
WHERE %(before)s::timestamptz IS NULL OR d.indexed_at < %(before)s::timestamptz
RETURNING id
"""  # noqa: S608 - the columns are the constant above

_LEARN = """
INSERT INTO cb_index_word (word, stem, near, documents)
SELECT word, coalesce((ts_lexize((language || '_stem')::regdictionary, word))[1], word), near, 1
FROM json_to_recordset(%s::json) AS t(word text, language text, near text[])
ORDER BY word
ON CONFLICT DO NOTHING
"""


@dataclass
class Written:
    """What a batch came to: documents written, left as they were, and the ids of those written."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    ids: tuple[int, ...] = ()


def write(document_type: str, documents: Sequence[Prepared], before: datetime | None = None) -> Written:
    """Write documents of one type. With ``before``, those renewed since then stay as they are."""
    unique = {item.key: item for item in documents}
    with transaction.atomic():
        lock(document_type)
        known = dict(Document.objects.filter(type=document_type, key__in=list(unique)).values_list("key", "digest"))
        new = [unique[key] for key in sorted(unique) if known.get(key) != unique[key].digest]
        if not new:
            return Written(unchanged=len(unique))
        rows = [finish(document_type, item) for item in new]
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, {"type": document_type, "rows": orjson.dumps(rows).decode(), "before": before})
            ids = tuple(row[0] for row in cursor.fetchall())
        learn(rows)
    return Written(len(ids), len(unique) - len(ids), 0, ids)


def learn(rows: Iterable[dict[str, Any]]) -> None:
    """Remember the words of finished rows, so that misspelt questions find them."""
    found: dict[str, str] = {}
    for row in rows:
        language = row["language"] if row["language"] != "simple" else ""
        for word in words_to_learn(row):
            found.setdefault(word, language)
    if not found:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM cb_index_word WHERE word = ANY(%s)", [list(found)])
        for (word,) in cursor.fetchall():
            del found[word]
        if found:
            new = [
                {"word": word, "language": language or "english", "near": near_keys(word)}
                for word, language in found.items()
            ]
            cursor.execute(_LEARN, [orjson.dumps(new).decode()])


def remove_beyond(document_type: str, refs: Sequence[str], keys: Sequence[str]) -> int:
    """Remove the documents of these refs that have none of these keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM cb_index_document WHERE type = %s AND ref = ANY(%s) AND NOT key = ANY(%s)",
            [document_type, list(refs), list(keys)],
        )
        return int(cursor.rowcount)


def lock(document_type: str) -> None:
    """Wait until no other transaction renews documents of this type."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCKS, document_type])
