"""Words of texts: cut them out, guess their language, find misspelt ones, mark them in a passage."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

LANGUAGES = ("english", "german", "indonesian", "simple")
"""Languages that texts are stemmed in; ``simple`` leaves words as they are."""

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LITTLE_WORDS = {
    "english": """the of and to is are that with for this not be by from which when you it an can has have was or
        as if""",
    "german": """der die das und ist nicht ein eine mit auf den dem des wird werden zu für von im sich wenn oder bei
        wie ich auch als aus nach wir sie kann sind einen einer eines wer wo warum mein meine""",
    "indonesian": """yang dan di ke dari untuk dengan tidak ini itu pada adalah atau akan anda dalam bagaimana cara
        saya apa siapa mana jika harus bisa dapat oleh sebagai telah sudah belum""",
}
_TELLTALE = {language: frozenset(text.split()) for language, text in _LITTLE_WORDS.items()}
_SAMPLE = 4_000


def words(text: str) -> list[str]:
    """Answer the words of a text, lower-cased; ``orderService`` gives ``orderservice order service``."""
    found: list[str] = []
    for match in _WORD.findall(text):
        found.append(match.lower())
        if not (match.islower() or match.isupper() or match.isdigit()):
            parts = _HUMP.split(match)
            if len(parts) > 1:
                found.extend(part.lower() for part in parts)
    return found


def plain(text: str) -> str:
    """Answer a text as its words alone, with single spaces: what the index is made of."""
    return " ".join(words(text))


def guess_language(text: str, otherwise: str = "english") -> str:
    """Answer the language whose little words a text is full of; ``otherwise`` where they do not tell."""
    counts = dict.fromkeys(_TELLTALE, 0)
    for word in _WORD.findall(text[:_SAMPLE].lower()):
        for language, telltale in _TELLTALE.items():
            if word in telltale:
                counts[language] += 1
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    (best, most), (_, second) = ranked[0], ranked[1]
    return best if most >= 2 and most > second else otherwise


def near_keys(word: str) -> list[str]:
    """Answer the word and every form of it that lacks one letter.

    Two words that share a key are at most one slip on either side apart, so that looking up the keys
    of a misspelt word finds what was meant without comparing it with every word there is.
    """
    return list(dict.fromkeys((word, *(word[:i] + word[i + 1 :] for i in range(len(word))))))


def distance(one: str, other: str, limit: int = 3) -> int:
    """Count the slips (a letter more, less, wrong, or two swapped) between two words, up to ``limit``."""
    if abs(len(one) - len(other)) >= limit:
        return limit
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)


def slips_allowed(word: str) -> int:
    """How many slips a word of this length may have and still be recognised."""
    if len(word) < 4:
        return 0
    return 1 if len(word) < 7 else 2


Fits = Callable[[str], bool]


def fitting(stems: Iterable[str]) -> Fits:
    """Answer a test whether a word has one of these stems, or begins with one."""
    wanted = tuple(sorted({stem for stem in stems if stem}, key=len))
    short = frozenset(stem for stem in wanted if len(stem) < 3)
    long = tuple(stem for stem in wanted if len(stem) >= 3)

    @lru_cache(maxsize=4_096)
    def fits(word: str) -> bool:
        return word in short or (bool(long) and word.startswith(long))

    return fits


def passage(text: str, fits: Fits, size: int = 240) -> str:
    """Answer the part of a text around the densest run of fitting words; its beginning if there is none."""
    text = " ".join(text[:40_000].split())
    if len(text) <= size:
        return text
    places = [match.start() for match in _WORD.finditer(text) if fits(match.group().lower())]
    start = _densest(places, size * 3 // 4)
    begin = max(0, start - size // 6)
    if begin:
        begin = text.find(" ", begin, begin + 40) + 1 or begin
    end = min(len(text), begin + size)
    if end < len(text):
        end = text.rfind(" ", begin, end) if text.rfind(" ", begin, end) > begin else end
    return ("… " if begin else "") + text[begin:end] + (" …" if end < len(text) else "")


def _densest(places: Sequence[int], span: int) -> int:
    best, start, left = 0, places[0] if places else 0, 0
    for right, place in enumerate(places):
        while place - places[left] > span:
            left += 1
        if right - left + 1 > best:
            best, start = right - left + 1, places[left]
    return start


def marked(text: str, fits: Fits, before: str = "<mark>", after: str = "</mark>") -> str:
    """Answer a text as HTML, escaped, with the fitting words between ``before`` and ``after``."""
    parts: list[str] = []
    last = 0
    for match in _WORD.finditer(text):
        if not _fits_any(match.group(), fits):
            continue
        parts.append(html.escape(text[last : match.start()]))
        parts.append(f"{before}{html.escape(match.group())}{after}")
        last = match.end()
    parts.append(html.escape(text[last:]))
    return "".join(parts)


def _fits_any(word: str, fits: Fits) -> bool:
    if fits(word.lower()):
        return True
    return not word.islower() and any(fits(part.lower()) for part in _HUMP.split(word)[1:])
