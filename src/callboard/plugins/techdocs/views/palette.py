"""Find pages of documentation for the command palette."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest

from callboard.plugins.catalog.public import named
from callboard.plugins.techdocs.selectors.sites import pages_named
from callboard.plugins.techdocs.services.reading import page_url
from callboard.plugins.techdocs.types.layout import SiteKey
from callboard.sdk.contributions import PaletteEntry


def find_pages(_request: HttpRequest, text: str, limit: int) -> Iterator[PaletteEntry]:
    """Yield the pages whose title fits, of documentation the caller may read."""
    rows = pages_named(text, limit * 4)
    names = named({ref for ref, _, _, _ in rows})
    shown = 0
    for ref, site, title, path in rows:
        if not names[ref].exists or shown >= limit:
            continue
        shown += 1
        yield PaletteEntry(
            title=title, url=page_url(SiteKey(ref), path), subtitle=f"Docs · {site or names[ref].label}", icon="book"
        )
