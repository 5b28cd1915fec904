"""Show a page of documentation in the portal's own shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.plugins.catalog.public import EntityView, ReadError, entity_view, kind_icon, named
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sites import log_of, page_row
from callboard.plugins.techdocs.selectors.sites import site as find_site
from callboard.plugins.techdocs.selectors.sources import docs_source, settings
from callboard.plugins.techdocs.services import building
from callboard.plugins.techdocs.services.feedback import count_reading
from callboard.plugins.techdocs.services.reading import navigation, page_content, page_url
from callboard.plugins.techdocs.types.html import NavNode, PageContent
from callboard.plugins.techdocs.types.layout import SiteKey, inside
from callboard.sdk.auth import principal
from callboard.sdk.permissions import authorize
from callboard.sdk.ui import render


@dataclass(frozen=True)
class NavLink:
    """An entry of the navigation as the page draws it."""

    title: str
    url: str
    active: bool
    open: bool
    external: bool
    children: list[NavLink]


@require_safe
def page(request: HttpRequest, namespace: str, kind: str, name: str, path: str = "") -> HttpResponse:
    """Show a page, or how its site is being built, or why it could not be."""
    entity = entity_view(f"{kind}:{namespace}/{name}")
    if entity is None:
        raise Http404(_("There is no entity %(ref)s, or you may not see it.") % {"ref": f"{kind}:{namespace}/{name}"})
    version = request.GET.get("version", "")[:250]
    source = docs_source(entity)
    if source is not None and source.kind == "borrowed":
        return HttpResponseRedirect(page_url(SiteKey(source.ref), path or _page(source.path)))
    key = SiteKey(entity.ref, version)
    site = _site(key)
    safe = inside(path)
    if safe is None:
        raise Http404(_("There is no such page."))
    asked = f"{safe}/" if safe and not safe.endswith(".html") else safe
    if site is None or site.built_at is None:
        if source is None:
            return _none(request, entity)
        return _not_yet(request, entity, key, site, asked)
    if path != asked:
        return HttpResponsePermanentRedirect(page_url(key, asked))
    if settings().builder == "local":
        building.look_again(site)
    content = page_content(site, asked)
    if content is not None and content.redirect:
        target = content.redirect
        return HttpResponseRedirect(target if "://" in target else page_url(key, target))
    if content is None or not content.digest:
        return _missing(request, entity, key, site, asked)
    count_reading(site, asked)
    return render(request, "techdocs/page.html", _context(request, entity, key, site, asked, content))


def _page(path: str) -> str:
    return f"{path}/" if path and not path.endswith((".html", "/")) else path


def _site(key: SiteKey) -> Site | None:
    if settings().builder == "external":
        return building.adopt_published(key.ref, key.version)
    return find_site(key)


def frame(entity: EntityView, key: SiteKey, site: Site | None) -> dict[str, Any]:
    """Answer what every page about a site needs."""
    owners = named(entity.related("ownedBy")[:3])
    return {
        "entity": entity,
        "entity_icon": kind_icon(entity.kind),
        "site": site,
        "site_title": (site.title if site else "") or entity.label,
        "site_url": page_url(key),
        "version": key.version,
        "owners": list(owners.values()),
        "may_build": settings().builder == "local" and authorize("catalog.entity.refresh", entity.ref).allowed,
    }


def _context(
    request: HttpRequest, entity: EntityView, key: SiteKey, site: Site, path: str, content: PageContent
) -> dict[str, Any]:
    nodes = navigation(site)
    ordered = [node for top in nodes for node in top.pages()]
    at = next((number for number, node in enumerate(ordered) if node.path == path), None)
    before = ordered[at - 1] if at else None
    after = ordered[at + 1] if at is not None and at + 1 < len(ordered) else None
    known = page_row(site, path)
    who = principal()
    return frame(entity, key, site) | {
        "path": path,
        "title": content.title or (ordered[at].title if at is not None else site.title),
        "html": mark_safe(content.html),  # noqa: S308 - sanitised by types.html
        "content": content,
        "toc": [heading for heading in content.headings if heading.level in (2, 3)],
        "nav": _links(nodes, key, path),
        "trail": _trail(nodes, path),
        "before": before and (before.title, page_url(key, before.path or "")),
        "after": after and (after.title, page_url(key, after.path or "")),
        "changed_at": known.changed_at if known else site.built_at,
        "broken": known.broken if known else [],
        "edit_url": content.edit_url,
        "may_speak": who.signed_in and authorize("techdocs.feedback.create").allowed,
        "versions": site.kind not in ("openapi", "published") and not site.local,
        "failed": site.state == Site.State.FAILED,
    }


def _links(nodes: tuple[NavNode, ...], key: SiteKey, path: str) -> list[NavLink]:
    found = []
    for node in nodes:
        url = node.external or (page_url(key, node.path) if node.path is not None else "")
        children = _links(node.children, key, path)
        active = node.path == path
        opened = any(child.active or child.open for child in children)
        found.append(
            NavLink(node.title, url, active, opened or (active and bool(children)), bool(node.external), children)
        )
    return found


def _trail(nodes: tuple[NavNode, ...], path: str) -> list[str]:
    for node in nodes:
        if node.children and node.holds(path):
            return [node.title, *_trail(node.children, path)]
    return []


def _not_yet(request: HttpRequest, entity: EntityView, key: SiteKey, site: Site | None, path: str) -> HttpResponse:
    """Build the site now and show how that goes; what failed is shown, and not tried again by looking at it."""
    problem = ""
    if settings().builder == "local" and (site is None or site.state != Site.State.FAILED):
        try:
            site = building.request_build(key.ref, key.version)
        except building.NoDocsError as error:
            problem = str(error)
        except ReadError as error:
            problem = f"{error.message} {error.remedy}"
    elif settings().builder == "external":
        problem = _("No pipeline has published this documentation yet. `callboard techdocs publish` does it.")
    context = frame(entity, key, site) | {"problem": problem, "next": page_url(key, path)}
    waiting = site is not None and site.state in (Site.State.WAITING, Site.State.BUILDING) and not problem
    context |= {"waiting": waiting, "log": log_of(site) if site and not waiting else ""}
    return render(request, "techdocs/building.html", context, status=200 if waiting else 404)


def _none(request: HttpRequest, entity: EntityView) -> HttpResponse:
    return render(request, "techdocs/none.html", frame(entity, SiteKey(entity.ref), None), status=404)


def _missing(request: HttpRequest, entity: EntityView, key: SiteKey, site: Site, path: str) -> HttpResponse:
    nodes = navigation(site)
    if not path:
        # A site without a front page begins with the first page it has.
        first = next((node.path for top in nodes for node in top.pages() if node.path), None)
        if first:
            return HttpResponseRedirect(page_url(key, first))
    context = frame(entity, key, site) | {"path": path, "nav": _links(nodes, key, path)}
    return render(request, "techdocs/missing.html", context, status=404)


def docs_url(entity: EntityView) -> str:
    """Answer where the documentation of an entity is read."""
    return reverse("techdocs-site", args=[entity.namespace.lower(), entity.kind.lower(), entity.name.lower()])
