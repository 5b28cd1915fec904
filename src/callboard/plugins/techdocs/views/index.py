"""Show all documentation on one shelf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.plugins.catalog.public import Named, named, starred_by
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sites import Shelf, all_sites, shelves
from callboard.plugins.techdocs.services.reading import page_url
from callboard.plugins.techdocs.types.layout import SiteKey
from callboard.sdk.auth import principal
from callboard.sdk.ui import ListPage, offset_page, render

SORTS = ("title", "fresh", "popular")


@dataclass(frozen=True)
class Row:
    """One site on the shelf."""

    site: Site
    entity: Named
    owner: Named | None
    shelf: Shelf
    title: str
    url: str


@require_safe
def shelf(request: HttpRequest) -> HttpResponse:
    """List the documentation that the caller may read."""
    text = request.GET.get("text", "").strip()[:200]
    whose = request.GET.get("whose", "")
    kind = request.GET.get("kind", "").lower()
    owner = request.GET.get("owner", "").lower()
    sort = request.GET.get("sort", "title")
    sort = sort if sort in SORTS else "title"
    sites = {site.ref: site for site in all_sites()}
    names = {ref: item for ref, item in named(sites).items() if item.exists}
    owners = named({item.owner_ref for item in names.values() if item.owner_ref})
    kinds = sorted({item.kind for item in names.values()})
    wanted = _wanted(names, sites, text, whose, kind, owner)
    if sort == "title":
        wanted.sort(key=lambda ref: _title(sites[ref], names[ref]).casefold())
        page = offset_page(request, wanted, size=50)
        known = shelves([sites[ref] for ref in page.items])
    else:
        known = shelves([sites[ref] for ref in wanted])
        order = _orders(sites, known)[sort]
        wanted.sort(key=order)
        page = offset_page(request, wanted, size=50)
    rows = [
        Row(
            sites[ref],
            names[ref],
            owners.get(names[ref].owner_ref),
            known[sites[ref].pk],
            _title(sites[ref], names[ref]),
            page_url(SiteKey(ref)),
        )
        for ref in page.items
    ]
    who = principal()
    context = {
        "page": ListPage(
            rows, page.total, page.number, page.pages, page.start, page.previous_url, page.next_url, page.numbers
        ),
        "text": text,
        "whose": whose,
        "kind": kind,
        "owner": owner,
        "sort": sort,
        "kinds": kinds,
        "owners": sorted((item for item in owners.values() if item.exists), key=lambda item: item.label.casefold()),
        "sorts": (("title", _("By title")), ("fresh", _("Fresh first")), ("popular", _("Most read first"))),
        "personal": who.signed_in and who.type != "guest",
        "filtered": bool(text or whose or kind or owner),
        "count": len(names),
    }
    return render(request, "techdocs/index.html", context)


def _title(site: Site, entity: Named) -> str:
    return site.title or entity.label


def _orders(sites: dict[str, Site], known: dict[int, Shelf]) -> dict[str, Callable[[str], tuple[Any, ...]]]:
    def fresh(ref: str) -> tuple[bool, float]:
        at = known[sites[ref].pk].changed_at
        return at is None, -at.timestamp() if at else 0.0

    def popular(ref: str) -> tuple[int, str]:
        return -known[sites[ref].pk].readings, ref

    return {"fresh": fresh, "popular": popular}


def _wanted(names: dict[str, Named], sites: dict[str, Site], text: str, whose: str, kind: str, owner: str) -> list[str]:
    who = principal()
    mine = {who.ref, *who.ownership_refs}
    stars = {item.ref for item in starred_by(who.ref, 500)} if whose == "starred" else set()
    words = text.casefold().split()
    found = []
    for ref, item in names.items():
        if kind and item.kind.lower() != kind:
            continue
        if owner and item.owner_ref != owner:
            continue
        if whose == "owned" and item.owner_ref not in mine:
            continue
        if whose == "starred" and ref not in stars:
            continue
        haystack = f"{sites[ref].title} {sites[ref].description} {item.label} {ref} {item.description}".casefold()
        if all(word in haystack for word in words):
            found.append(ref)
    return found
