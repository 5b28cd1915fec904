"""Find entities for the command palette."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest

from callboard.plugins.catalog.selectors.pages.home import found_by_name
from callboard.sdk.contributions import PaletteEntry
from callboard.sdk.plugins import is_enabled
from callboard.sdk.search import is_indexed


def find_entities(_request: HttpRequest, text: str, limit: int) -> Iterator[PaletteEntry]:
    """Yield the entities whose name or title fits best, until search has listed them and knows more."""
    if is_enabled("search") and is_indexed("software-catalog"):
        return
    for item in found_by_name(text, limit):
        words = " · ".join(word for word in (item.kind, item.type) if word)
        yield PaletteEntry(title=item.label, url=item.url, subtitle=words, icon=item.icon)
