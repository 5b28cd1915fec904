"""Everything the home room adds to the portal."""

from __future__ import annotations

from callboard.plugins.home import views
from callboard.sdk.contributions import Command, Contribution, NavItem, Page

contributions: tuple[Contribution, ...] = (
    Page(id="home.home", title="Home", path="", view=views.home, name="home"),
    Page(
        id="home.demo",
        title="Load the demo organisation",
        path="home/demo",
        view=views.demo,
        name="home-demo",
        permission="catalog.location.create",
    ),
    NavItem(id="home.nav", title="Home", page="home", icon="home", order=10),
    Command(
        id="home.go", title="Home", page="home", icon="home", keys="g h", keywords=("start", "first page"), order=10
    ),
)
