"""Read any JSON API, page by page, and map its items to entities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from callboard.lib.outbound import Session
from callboard.plugins.sources.clients.mapping import MappingError, items_of, mapper, search
from callboard.plugins.sources.clients.web import ask, json_of, session
from callboard.plugins.sources.settings import HttpSource
from callboard.plugins.sources.types.found import Discovery, SourceError

MAX_PAGES = 5000
MAX_ITEMS = 500_000
_LINK = re.compile(r'<([^>]*)>\s*;[^,]*?rel="?next"?')


def read_api(settings: HttpSource, limit: int = 0) -> Discovery:
    """Find entities; ``limit`` ends after so many items, for a preview."""
    found = Discovery()
    run = mapper(settings.language, settings.mapping)
    with session(private=settings.private) as opened:
        for index, item in enumerate(_items(opened, settings, found)):
            found.looked_at["items"] += 1
            try:
                made = run({"item": item, "index": index})
            except MappingError as error:
                # Nobody knows which entity it would have been, so nothing may be taken to be gone.
                found.trouble(f"item {index + 1}", f"The mapping fails: {error}.", "Correct the mapping.", "mapping")
                continue
            if not made:
                found.looked_at["left out"] += 1
            for entity in made:
                metadata = entity.get("metadata")
                if isinstance(metadata, dict):
                    metadata.setdefault("namespace", settings.namespace)
                found.entities.append(entity)
            if limit and index + 1 >= limit:
                found.complete = False
                break
    return found


def first_items(settings: HttpSource, count: int = 3) -> list[Any]:
    """Answer the first items as they came, so that people see what they map."""
    with session(private=settings.private) as opened:
        return [item for item, _ in zip(_items(opened, settings, Discovery()), range(count), strict=False)]


def _items(opened: Session, settings: HttpSource, found: Discovery) -> Iterator[Any]:
    headers = {"Accept": "application/json", **settings.headers}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token}"
    origin = urlsplit(settings.url)[:2]
    url, params, seen = settings.url, _first(settings), 0
    for page in range(1, MAX_PAGES + 1):
        reply = ask(opened, url, headers, params)
        answer = json_of(reply)
        items = items_of(settings.items, answer)
        found.looked_at["pages"] += 1
        yield from items
        seen += len(items)
        if seen > MAX_ITEMS:
            raise SourceError(
                f"{settings.url} goes on for more than {MAX_ITEMS:,} items.", "Narrow down what is asked."
            )
        url, params = _next(settings, reply.url, reply.headers.get("link", ""), answer, page, seen, len(items))
        if not url:
            return
        if urlsplit(url)[:2] != origin:
            raise SourceError(f"The next page is at another host: {urlsplit(url).netloc}.", "Use that host's address.")
    raise SourceError(f"{settings.url} goes on for more than {MAX_PAGES} pages.", "Raise the size of a page.")


def _first(settings: HttpSource) -> dict[str, Any] | None:
    if settings.pagination == "page":
        return {settings.parameter: 1}
    if settings.pagination == "offset":
        return {settings.parameter: 0}
    return None


def _next(
    settings: HttpSource, here: str, link: str, answer: Any, page: int, seen: int, count: int
) -> tuple[str, dict[str, Any] | None]:
    kind = settings.pagination
    if kind == "link":
        following = _LINK.search(link)
        return (urljoin(here, following[1]), None) if following else ("", None)
    if kind == "next":
        found = search(settings.next, answer)
        return (urljoin(here, found), None) if isinstance(found, str) and found else ("", None)
    if kind == "cursor":
        found = search(settings.next, answer)
        return (settings.url, {settings.parameter: found}) if found else ("", None)
    if kind == "page" and count:
        return settings.url, {settings.parameter: page + 1}
    if kind == "offset" and count >= settings.page_size:
        return settings.url, {settings.parameter: seen}
    return "", None
