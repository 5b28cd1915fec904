"""Instant results for the command palette, grouped by what they are."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from callboard.plugins.search.views.page import ENTITIES, result_icon
from callboard.sdk.contributions import EntityKind, PaletteEntry, SearchCollator
from callboard.sdk.plugins import contributions
from callboard.sdk.search import SearchRequest, search

OF_A_GROUP = 5
MOST = 16


def find_anything(_request: HttpRequest, text: str, _limit: int) -> Iterator[PaletteEntry]:
    """Yield the best results, those of one group together, and at the end the way to the whole page."""
    collators = {item.type: item for item in contributions(SearchCollator)}
    answer = search(SearchRequest(text, limit=30, instant=True))
    groups: dict[str, list[PaletteEntry]] = {}
    for hit in answer.hits:
        collator = collators.get(hit.type)
        kind = str(hit.fields.get("kind", ""))
        title = _group(kind, _(collator.title) if collator else hit.type, of_catalog=hit.type == ENTITIES)
        entries = groups.setdefault(title, [])
        if len(entries) < OF_A_GROUP:
            said = hit.fields
            words = (said.get("part") or kind, said.get("type"), said.get("api") or said.get("source"))
            entries.append(
                PaletteEntry(
                    title=hit.title,
                    url=hit.location,
                    subtitle=" · ".join(dict.fromkeys(str(word) for word in words if word and word != "other")),
                    icon=result_icon(hit, collator),
                    group=title,
                    note=f"{reverse('search-choice')}?id={hit.id}",
                )
            )
    count = 0
    for entries in groups.values():
        for entry in entries:
            if count == MOST:
                break
            count += 1
            yield entry
    yield PaletteEntry(
        title=_("Search everywhere for “%(text)s”") % {"text": text},
        url=f"{reverse('search')}?{urlencode({'q': text})}",
        icon="search",
        group=_("Search"),
        last=True,
    )


def _group(kind: str, title: str, *, of_catalog: bool) -> str:
    if not of_catalog:
        return title
    if kind.lower() in {"user", "group"}:
        return _("People and teams")
    plurals = {item.kind.lower(): item.plural for item in contributions(EntityKind)}
    return _(plurals[kind.lower()]) if kind.lower() in plurals else title
