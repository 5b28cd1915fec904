"""Pages and parts of pages of the dummy plugin."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse

from callboard.plugins.catalog.public import EntityView
from callboard.sdk.config import room_settings
from callboard.sdk.contributions import PaletteEntry
from callboard.sdk.ui import render, render_to_string
from callboard_dummy.selectors import readable_things


def page(request: HttpRequest) -> HttpResponse:
    """Show the things."""
    context = {"greeting": room_settings("dummy").greeting, "things": readable_things()}
    return render(request, "dummy/page.html", context)


def preferences(request: HttpRequest) -> HttpResponse:
    """Show the plugin's tab under Settings."""
    return render(request, "dummy/preferences.html")


def failing(request: HttpRequest) -> HttpResponse:
    """Fail, so that the rest of the portal can show that it lives on."""
    raise RuntimeError("the puppet fell off its strings")


def badge(request: HttpRequest) -> str | None:
    """Count the things for the side bar."""
    return f"{readable_things().count()} things"


def find(request: HttpRequest, text: str, limit: int) -> Iterator[PaletteEntry]:
    """Find things for the palette."""
    for thing in readable_things().filter(name__icontains=text)[:limit]:
        yield PaletteEntry(title=f"Thing {thing.name}", url=f"/dummy?thing={thing.name}", subtitle="Found live")


def widget(request: HttpRequest) -> str:
    """Answer the card on the home page."""
    return render_to_string("dummy/_widget.html", {"things": readable_things()}, request)


def card(request: HttpRequest, entity: EntityView) -> str:
    """Answer the card on the overview of an entity."""
    return render_to_string("dummy/_card.html", {"entity": entity}, request)


def tab(request: HttpRequest, entity: EntityView) -> str:
    """Answer the tab of an entity."""
    return render_to_string("dummy/_tab.html", {"entity": entity}, request)
