"""Show documentation where people already are: on the page of an entity, and at home."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.safestring import mark_safe

from callboard.plugins.catalog.public import EntityView, named
from callboard.plugins.techdocs.selectors.sites import all_sites, latest_pages, shelves, sites_of
from callboard.plugins.techdocs.selectors.sites import site as find_site
from callboard.plugins.techdocs.selectors.sources import docs_source, settings
from callboard.plugins.techdocs.services import building
from callboard.plugins.techdocs.services.reading import navigation, page_content, page_url
from callboard.plugins.techdocs.types.layout import SiteKey
from callboard.sdk.auth import principal
from callboard.sdk.ui import render_to_string

_ON_CARD = 8
_ON_WIDGET = 6


def _about(entity: EntityView) -> dict[str, Any] | None:
    source = docs_source(entity)
    if source is None:
        return None
    key = SiteKey(source.ref)
    if settings().builder == "external":
        building.adopt_published(source.ref)
    site = sites_of([source.ref]).get(source.ref)
    borrowed = named([source.ref])[source.ref] if source.kind == "borrowed" else None
    path = f"{source.path}/" if source.path and not source.path.endswith((".html", "/")) else source.path
    return {"entity": entity, "site": site, "key": key, "borrowed": borrowed, "path": path, "url": page_url(key, path)}


def tab(request: HttpRequest, entity: EntityView) -> str:
    """Show the first page of the documentation, with the way to the rest."""
    about = _about(entity)
    if about is None:
        return ""
    found = find_site(about["key"])
    if found is not None and found.built_at is not None and (about["borrowed"] is None or about["borrowed"].exists):
        content = page_content(found, about["path"])
        if content is not None and content.digest:
            about["title"] = content.title or found.title
            about["html"] = mark_safe(content.html)  # noqa: S308 - sanitised by types.html
        pages = [node for top in navigation(found) for node in top.pages() if node.path is not None]
        about["pages"] = [
            (node.title, page_url(about["key"], node.path or ""), node.path == about["path"]) for node in pages[:200]
        ]
    return render_to_string("techdocs/_tab.html", about, request)


def card(request: HttpRequest, entity: EntityView) -> str:
    """Show what there is to read, and how it is."""
    about = _about(entity)
    if about is None or (about["borrowed"] is not None and not about["borrowed"].exists):
        return ""
    site = about["site"]
    if site is not None and site.built_at is not None:
        rows = latest_pages(site, _ON_CARD)
        about["pages"] = [(title or path, page_url(about["key"], path), at) for title, path, at in rows]
        about["shelf"] = shelves([site])[site.pk]
    return render_to_string("techdocs/_card.html", about, request)


def widget(request: HttpRequest) -> str:
    """Show the documentation of what the caller owns, or else what is read most."""
    who = principal()
    mine = {who.ref, *who.ownership_refs}
    sites = {site.ref: site for site in all_sites() if site.built_at is not None}
    names = {ref: item for ref, item in named(sites).items() if item.exists}
    own = [ref for ref, item in names.items() if item.owner_ref in mine]
    known = shelves([sites[ref] for ref in own or names])
    wanted = sorted(own or names, key=lambda ref: (-known[sites[ref].pk].readings, ref))[:_ON_WIDGET]
    rows = [(sites[ref], names[ref], known[sites[ref].pk], page_url(SiteKey(ref))) for ref in wanted]
    return render_to_string("techdocs/_widget.html", {"rows": rows, "own": bool(own)}, request) if rows else ""
