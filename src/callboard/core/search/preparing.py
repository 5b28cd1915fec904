"""Make documents ready for the index: cut to size, cleaned, with the words and filters they are found by."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from callboard.core.config.current import portal_config
from callboard.core.registry.contract import SearchDocument
from callboard.lib.words import LANGUAGES, guess_language, plain, words

FORMAT = 1
"""Of the index: raised when the same document would be indexed otherwise, so that all are written anew."""

TITLE, TEXT, VALUE = 400, 60_000, 200
PASSAGE = 700
"""Characters of the text that its meaning is computed from: the beginning says what it is about."""

TYPE_FIELD = "@type"
_REF = re.compile(r"^[a-z]+:(?:[\w.-]+/)?([\w.-]+)$", re.IGNORECASE)
_LEARNT = re.compile(r"^[^\W\d_]{3,32}$")


@dataclass(frozen=True)
class Prepared:
    """A document as it is written; ``digest`` says whether it changed."""

    row: dict[str, Any]
    digest: str

    @property
    def key(self) -> str:
        """What tells it from the others of its type."""
        return str(self.row["key"])


class UnusableDocumentError(ValueError):
    """A document that cannot be indexed; the message says why."""


def prepare(document_type: str, document: SearchDocument, spelt: Callable[[str], str] = str) -> Prepared:
    """Clean a document; raises :class:`UnusableDocumentError` for one that leads nowhere or has no title.

    ``spelt`` writes the ref that guards it the way its resource type does.
    """
    title, text, keywords = _clean(document.title, TITLE), _clean(document.text, TEXT), _clean(document.keywords, 4_000)
    location = _clean(document.location, 2_000)
    if not title:
        raise UnusableDocumentError(f"{location or 'a document'} has no title")
    if not is_safe_location(location):
        raise UnusableDocumentError(f"{title} leads to {location!r}, which is neither a path nor an http(s) address")
    fields = {
        str(name): _values(value) if not isinstance(value, str) else _clean(value, 1_000)
        for name, value in document.fields.items()
        if value not in ("", None)
    }
    language = document.language if document.language in LANGUAGES else ""
    moment = _moment(document.changed_at)
    row: dict[str, Any] = {
        "key": _clean(document.key, 1_000) or location,
        "ref": _clean(document.ref, 500).lower(),
        "authorization_ref": spelt(_clean(document.authorization_ref, 500)),
        "title": title,
        "text": text,
        "keywords": keywords,
        "location": location,
        "fields": fields,
        "owner_ref": _clean(document.owner, 300).lower(),
        "language": language,
        "weight": min(4.0, max(0.05, float(document.weight))),
        "changed_at": moment.isoformat() if moment else None,
    }
    stamp = orjson.dumps([FORMAT, document_type, row], option=orjson.OPT_SORT_KEYS)
    return Prepared(row, hashlib.blake2b(stamp, digest_size=16).hexdigest())


def finish(document_type: str, prepared: Prepared) -> dict[str, Any]:
    """Add what is costly and only needed for documents that changed: words, filters, language."""
    row = prepared.row
    language = row["language"] or guess_language(
        f"{row['title']} {row['text']}", portal_config().search.default_language
    )
    return {
        **row,
        "digest": prepared.digest,
        "language": language,
        "name": plain(row["title"]),
        "title_words": plain(row["title"]),
        "keyword_words": plain(row["keywords"]),
        "text_words": plain(row["text"]),
        "filters": vector_literal(filter_lexemes(document_type, row["fields"], row["owner_ref"])),
    }


def words_to_learn(row: Mapping[str, Any]) -> set[str]:
    """Answer the words of a finished row that misspelt ones may be compared with."""
    return {
        word
        for part in ("title_words", "keyword_words", "text_words")
        for word in row[part].split()
        if _LEARNT.match(word)
    }


def passage_of(title: str, keywords: str, text: str) -> str:
    """Answer what the meaning of a document is computed from."""
    return f"{title}. {keywords} {text[:PASSAGE]}".strip()


def filter_lexemes(document_type: str, fields: Mapping[str, Any], owner: str) -> list[str]:
    """Answer the lexemes a document is filtered by: ``kind=api``, a ref by its short name as well."""
    found = [lexeme(TYPE_FIELD, document_type)]
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            found.append(lexeme(name, one))
            short = _REF.match(one)
            if short:
                found.append(lexeme(name, short[1]))
    if owner:
        found += [lexeme("owner", owner), lexeme("owner", owner.rpartition("/")[2])]
    return list(dict.fromkeys(found))


def lexeme(name: str, value: str) -> str:
    """Answer how a field and its value stand in the index."""
    return f"{name}={value}".lower()[:VALUE]


def vector_literal(lexemes: Iterable[str]) -> str:
    """Write lexemes as the text of a tsvector."""
    return " ".join(quoted(item) for item in lexemes)


def quoted(text: str) -> str:
    """Quote a lexeme for the text of a tsvector or tsquery."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\x00", "") + "'"


def quality_of(weight: float, clicks: float) -> float:
    """Answer the place of a document where words do not tell."""
    return weight * (1 + 0.15 * math.log1p(max(0.0, clicks)))


def is_safe_location(location: str) -> bool:
    """Whether a location is a path of the portal or a web address, and nothing that runs."""
    if not location or location.startswith(("//", "/\\")) or any(ord(c) < 32 for c in location):
        return False
    if location.startswith(("/", "#", "?")):
        return True
    try:
        parts = urlsplit(location)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _clean(text: object, limit: int) -> str:
    return str(text or "")[:limit].replace("\x00", "").encode("utf-8", "replace").decode().strip()


def _values(value: Any) -> list[str]:
    return [_clean(one, 1_000) for one in list(value)[:100] if one]


def _moment(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def tokens(text: str) -> list[str]:
    """Answer the words of a text; the index and questions cut texts alike."""
    return words(text)
