"""What stands around every tab of an entity: header, actions, banners, the row of tabs, plugins' cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.plugins.catalog.selectors.pages import entity as facts
from callboard.plugins.catalog.selectors.pages.names import kind_icon, kind_title, named
from callboard.plugins.catalog.selectors.pages.table import EDIT_URL, VIEW_URL, starred_among, web_address
from callboard.plugins.catalog.selectors.views import EntityView, entity_view
from callboard.sdk.auth import principal
from callboard.sdk.contributions import EntityCard, EntityTab
from callboard.sdk.permissions import authorize, decide
from callboard.sdk.plugins import contributions, guard
from callboard.sdk.ui import render, render_to_string

USED_KINDS = frozenset({"component", "api", "resource", "system", "domain"})
"""Kinds that others are built on, and so have something downstream."""


@dataclass(frozen=True)
class Tab:
    """One entry of the row of tabs."""

    slug: str
    title: str
    url: str
    icon: str
    count: str
    active: bool


@dataclass(frozen=True)
class Card:
    """A plugin's card as it came out: its HTML, or that it failed."""

    id: str
    title: str
    size: str
    html: SafeString
    failed: bool


def entity_frame(request: HttpRequest, entity: EntityView, slug: str) -> dict[str, Any]:
    """Answer what every tab's template needs."""
    who = principal()
    problems = facts.problems_of(entity.ref) if entity.errors or entity.data.get("status") else []
    annotations = entity.annotations
    owners = named(entity.related("ownedBy")[:3])
    return {
        "entity": entity,
        "kind_title": kind_title(entity.kind),
        "kind_icon": kind_icon(entity.kind),
        "owners": list(owners.values()),
        "starred": entity.ref in starred_among([entity.ref]),
        "may_star": who.signed_in and who.type != "guest",
        "may_refresh": authorize("catalog.entity.refresh", entity.ref).allowed,
        "may_remove": decide("catalog.location.delete").result != "deny"
        or authorize("catalog.entity.delete", entity.ref).allowed,
        "view_url": web_address(annotations.get(VIEW_URL.removeprefix("metadata.annotations."))),
        "edit_url": web_address(annotations.get(EDIT_URL.removeprefix("metadata.annotations."))),
        "problems": problems,
        "tabs": _tabs(request, entity, slug),
        "slug": slug,
        "source_url": _tab_url(entity, "source"),
        "relations_url": _tab_url(entity, "relations"),
        "catalog_url": f"{reverse('catalog')}?kind={entity.kind.lower()}",
    }


def _tab_url(entity: EntityView, slug: str) -> str:
    path = [entity.namespace.lower(), entity.kind.lower(), entity.name.lower()]
    return reverse("entity-tab", args=[*path, slug]) if slug else reverse("entity", args=path)


def _tabs(request: HttpRequest, entity: EntityView, slug: str) -> list[Tab]:
    def tab(slug_: str, title: str, icon: str = "", count: str = "") -> Tab:
        return Tab(slug_, title, _tab_url(entity, slug_), icon, count, slug_ == slug)

    tabs = [tab("", _("Overview"))]
    if isinstance(entity.spec.get("definition"), str):
        tabs.append(tab("definition", _("Definition")))
    tabs += [tab(item.slug, _(item.title), count=_badge(item, entity)) for item in _fitting(EntityTab, entity)]
    relations = len(entity.data.get("relations") or ())
    tabs.append(tab("relations", _("Relations"), count=str(relations) if relations else ""))
    if entity.kind.lower() in USED_KINDS:
        tabs.append(tab("used-by", _("Used by")))
    tabs += [tab("source", _("Source")), tab("history", _("History"))]
    return tabs


def _badge(item: EntityTab, entity: EntityView) -> str:
    if item.badge is None:
        return ""
    try:
        with guard(item):
            return item.badge(entity) or ""
    except Exception:  # noqa: BLE001 - a badge that fails takes down itself alone
        return ""


def _fitting(point: type[Any], entity: EntityView) -> list[Any]:
    """Answer the contributions that are meant for an entity and that the caller may use."""
    found = []
    for item in contributions(point):
        if item.kinds and entity.kind.lower() not in {kind.lower() for kind in item.kinds}:
            continue
        if item.permission and decide(item.permission).result == "deny":
            continue
        try:
            with guard(item):
                if item.when is None or item.when(entity):
                    found.append(item)
        except Exception:  # noqa: BLE001, S112 - a condition that fails hides its own contribution alone
            continue
    return found


def contributed_tab(request: HttpRequest, entity: EntityView, slug: str) -> SafeString | None:
    """Answer the HTML of a plugin's tab, its failure as a message, or nothing if there is no such tab."""
    item = next((item for item in _fitting(EntityTab, entity) if item.slug == slug), None)
    if item is None:
        return None
    try:
        with guard(item):
            return mark_safe(item.render(request, entity))  # noqa: S308 - the contribution's promise
    except Http404:
        raise
    except Exception:  # noqa: BLE001 - a tab that fails takes down itself alone
        return render_to_string(
            "catalog/_failed.html", {"title": item.title, "retry": request.get_full_path()}, request
        )


def has_cards(request: HttpRequest, entity: EntityView) -> bool:
    """Whether any plugin has a card for an entity."""
    return bool(_fitting(EntityCard, entity))


@require_safe
def entity_cards(request: HttpRequest) -> HttpResponse:
    """Answer all plugins' cards of an entity at once, or one of them to try it again."""
    entity = entity_view(request.GET.get("ref", "").lower())
    if entity is None:
        raise Http404(_("There is no such entity."))
    only = request.GET.get("only", "")
    cards = [_card(request, entity, item) for item in _fitting(EntityCard, entity) if only in ("", item.id)]
    return render(request, "catalog/_cards.html", {"cards": [c for c in cards if c.html or c.failed], "entity": entity})


def _card(request: HttpRequest, entity: EntityView, item: EntityCard) -> Card:
    try:
        with guard(item):
            html = item.render(request, entity)
            return Card(item.id, item.title, item.size, mark_safe(html), failed=False)  # noqa: S308 - see Card
    except Exception:  # noqa: BLE001 - a card that fails takes down itself alone
        return Card(item.id, item.title, item.size, mark_safe(""), failed=True)
