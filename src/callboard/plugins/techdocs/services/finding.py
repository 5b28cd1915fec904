"""Find inside one site, from the search index that every site brings with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import orjson
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from callboard.plugins.techdocs.clients.store import StoreError
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.services.storing import store
from callboard.plugins.techdocs.types.layout import SEARCH_INDEX, SiteKey

_SPACE = re.compile(r"\s+")
_MARKS = re.compile(r"[¶↩]|<[^>]+>")
_CONTEXT = 90


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page: the page, its anchor there, its title, and its text."""

    path: str
    anchor: str
    title: str
    text: str
    page: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that fits, with the words around the first find marked."""

    section: Section
    excerpt: SafeString

    @property
    def place(self) -> tuple[str, str]:
        """Path of the page, and what is added to its address."""
        return self.section.path, f"#{self.section.anchor}" if self.section.anchor else ""


def sections(site: Site) -> tuple[Section, ...]:
    """Answer the sections of a built site."""
    return _sections(SiteKey(site.ref, site.version).prefix(), site.stamp)


@lru_cache(maxsize=8)
def _sections(prefix: str, _stamp: str) -> tuple[Section, ...]:
    try:
        found = store().read(f"{prefix}/{SEARCH_INDEX}")
        documents = orjson.loads(found.content)["docs"] if found else []
    except (StoreError, ValueError, KeyError, TypeError):
        return ()
    return tuple(_read(documents))


def _read(documents: object) -> Iterator[Section]:
    pages: dict[str, str] = {}
    rows = [row for row in documents if isinstance(row, dict)] if isinstance(documents, list) else []
    split = {str(row.get("location") or "").partition("#")[0] for row in rows if "#" in str(row.get("location") or "")}
    for row in rows:
        path, _, anchor = str(row.get("location") or "").partition("#")
        title = _clean(str(row.get("title") or ""))
        if not anchor:
            pages[path] = title
            # The page as a whole repeats its sections; the first of them has the page's own title.
            if path in split:
                continue
        yield Section(path, anchor, title, _clean(str(row.get("text") or "")), pages.get(path, title))


def _clean(text: str) -> str:
    return _SPACE.sub(" ", _MARKS.sub(" ", text)).strip()


def found_in(site: Site, text: str, limit: int = 12) -> list[Hit]:
    """Answer the sections that have every word, titles first."""
    words = [word for word in text.casefold().split() if word][:10]
    if not words:
        return []
    scored = []
    for number, section in enumerate(sections(site)):
        title, body = section.title.casefold(), section.text.casefold()
        score = 0.0
        for word in words:
            in_title, in_body = word in title, body.count(word)
            if not in_title and not in_body and word not in section.page.casefold():
                break
            score += (12 if title.startswith(word) else 8 if in_title else 0) + min(in_body, 5)
        else:
            scored.append((-score, number, section))
    return [
        Hit(section, _excerpt(section.text, words)) for _, _, section in sorted(scored, key=lambda r: r[:2])[:limit]
    ]


def _excerpt(text: str, words: list[str]) -> SafeString:
    folded = text.casefold()
    places = [place for place in (folded.find(word) for word in words) if place >= 0]
    start = max(0, min(places, default=0) - _CONTEXT // 2)
    piece = text[start : start + 2 * _CONTEXT]
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    marked, last = "", 0
    for match in pattern.finditer(piece):
        marked += escape(piece[last : match.start()]) + f"<mark>{escape(match[0])}</mark>"
        last = match.end()
    marked += escape(piece[last:])
    end = "…" if start + 2 * _CONTEXT < len(text) else ""
    return mark_safe(f"{'…' if start else ''}{marked}{end}")  # noqa: S308 - every piece was escaped
