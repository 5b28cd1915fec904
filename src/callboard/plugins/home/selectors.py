"""Put together what the first page shows whoever opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

from callboard.plugins.catalog.public import (
    Attention,
    Changed,
    Named,
    Owned,
    is_empty,
    named,
    needs_attention,
    owned_by,
    recently_changed,
    starred_by,
)
from callboard.sdk.auth import principal
from callboard.sdk.contributions import Widget
from callboard.sdk.permissions import decide
from callboard.sdk.plugins import contributions, guard


@dataclass(frozen=True)
class HomeWidget:
    """A plugin's widget as it came out: its HTML, or that it failed."""

    id: str
    title: str
    icon: str
    size: str
    html: SafeString
    failed: bool


@dataclass(frozen=True)
class FirstPage:
    """Everything on the first page."""

    empty: bool
    in_catalog: bool
    groups: list[Named]
    owned: list[Owned]
    starred: list[Named]
    changed: list[Changed]
    own_changes: bool
    attention: list[Attention]


def first_page() -> FirstPage:
    """Answer what the first page shows the caller."""
    who = principal()
    mine = list(who.ownership_refs or (who.ref,))
    guest = who.type == "guest"
    names = named(mine)
    owned = [] if guest else owned_by(mine)
    changed = recently_changed(8, mine) if owned else []
    return FirstPage(
        empty=is_empty(),
        in_catalog=who.ref in names and names[who.ref].exists,
        groups=[names[ref] for ref in mine if ref != who.ref and ref in names and names[ref].exists],
        owned=owned,
        starred=[] if guest else starred_by(who.ref),
        # Where nothing of one's own moved, what moved elsewhere is worth more than an empty card.
        changed=changed or recently_changed(8),
        own_changes=bool(changed),
        attention=needs_attention(mine) if owned else [],
    )


def widgets(request: HttpRequest) -> list[HomeWidget]:
    """Answer the widgets of all plugins; one that fails takes down itself alone, one without content is left out."""
    found = []
    for item in contributions(Widget):
        if item.permission and decide(item.permission).result == "deny":
            continue
        widget = _widget(request, item)
        if widget.html or widget.failed:
            found.append(widget)
    return found


def widget(request: HttpRequest, widget_id: str) -> HomeWidget | None:
    """Answer one widget, to try it again."""
    return next((found for found in widgets(request) if found.id == widget_id), None)


def _widget(request: HttpRequest, item: Widget) -> HomeWidget:
    shown: dict[str, Any] = {"id": item.id, "title": item.title, "icon": item.icon, "size": item.size}
    try:
        with guard(item):
            return HomeWidget(**shown, html=mark_safe(item.render(request)), failed=False)  # noqa: S308 - its promise
    except Exception:  # noqa: BLE001 - a widget that fails takes down itself alone
        return HomeWidget(**shown, html=mark_safe(""), failed=True)
