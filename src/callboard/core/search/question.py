"""Read what people type into words, phrases, exclusions and filters. Nothing they type is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from callboard.lib.words import words

MAX_TEXT = 1_000
MAX_WORDS = 24
MAX_FILTERS = 20

FIELDS = frozenset({"kind", "owner", "type", "lifecycle", "namespace", "tag", "system", "name", "source", "language"})
"""Fields that may always be filtered by; collators add theirs as facets."""

_PART = re.compile(
    r"""(?P<minus>(?<!\S)-)?
        (?: (?P<field>[A-Za-z][\w.]{0,40}):(?:"(?P<quoted_value>[^"]*)"|(?P<value>[^\s"]+))
          | "(?P<phrase>[^"]*)"?
          | (?P<word>[^\s"]+) )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Filter:
    """A field that must have one of the values, or must not."""

    field: str
    values: tuple[str, ...]
    excluded: bool = False


@dataclass(frozen=True)
class Question:
    """What is looked for. ``prefix`` says that the last word may be the beginning of one."""

    text: str = ""
    words: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    filters: tuple[Filter, ...] = ()
    types: tuple[str, ...] = ()
    prefix: bool = True

    @property
    def all_words(self) -> tuple[str, ...]:
        """Every word that is looked for, in order, once."""
        return tuple(dict.fromkeys((*self.words, *(word for phrase in self.phrases for word in phrase))))

    @property
    def plain_text(self) -> str:
        """The words as a sentence, for finding by meaning."""
        return " ".join((*self.words, *(word for phrase in self.phrases for word in phrase)))

    def filtered(self, filters: Mapping[str, Sequence[str]], types: Iterable[str] = ()) -> Question:
        """Answer the same question with further filters, as an API gives them."""
        more = tuple(Filter(name, tuple(values)) for name, values in filters.items() if values)
        return replace(self, filters=(*self.filters, *more), types=tuple(types) or self.types)


@dataclass
class _Reading:
    words: list[str] = field(default_factory=list)
    phrases: list[tuple[str, ...]] = field(default_factory=list)
    excluded: list[tuple[str, ...]] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    ends_in_word: bool = False


def read_question(text: str, fields: Iterable[str] = ()) -> Question:
    """Read a text; what is no operator is a word. ``fields`` are known besides :data:`FIELDS`."""
    text = "".join(c if c.isprintable() or c.isspace() else " " for c in text[:MAX_TEXT]).strip()
    known = {name.lower(): name for name in (*FIELDS, *fields)}
    found = _Reading()
    for part in _PART.finditer(text):
        _take(part, known, found)
    return Question(
        text=text,
        words=tuple(dict.fromkeys(found.words))[:MAX_WORDS],
        phrases=tuple(found.phrases[:8]),
        excluded=tuple(found.excluded[:8]),
        filters=tuple(found.filters[:MAX_FILTERS]),
        prefix=found.ends_in_word,
    )


def _take(part: re.Match[str], known: Mapping[str, str], found: _Reading) -> None:
    excluded = bool(part["minus"])
    found.ends_in_word = False
    name = known.get((part["field"] or "").lower())
    value = part["quoted_value"] if part["quoted_value"] is not None else part["value"]
    if name and value and not value.startswith("//"):
        values = (value,) if part["quoted_value"] is not None else tuple(v for v in value.split(",") if v)
        if values:
            found.filters.append(Filter(name, values, excluded))
        return
    if part["field"]:
        cut = words(f"{part['field']} {value or ''}")
    elif part["phrase"] is not None:
        cut = words(part["phrase"])[:MAX_WORDS]
        if len(cut) > 1 and not excluded:
            found.phrases.append(tuple(cut))
            return
    else:
        cut = words(part["word"])[:MAX_WORDS]
    if not cut:
        return
    if excluded:
        found.excluded.append(tuple(cut))
    else:
        found.words.extend(cut)
        found.ends_in_word = part["word"] is not None
