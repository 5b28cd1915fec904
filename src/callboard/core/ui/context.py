"""What the shell around every page shows: navigation, banners, who is signed in, how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

from callboard.core.auth.guests import guests_welcome
from callboard.core.auth.principal import ANONYMOUS, Principal
from callboard.core.config.current import portal_config
from callboard.core.permissions.services import decide
from callboard.core.permissions.view_as import way_out
from callboard.core.registry.contract import Command, Contribution, NavItem, Page, SettingsPage
from callboard.core.registry.store import registry
from callboard.core.ui.rendering import htmx

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "callboard_theme"
SIDE_COOKIE = "callboard_side"


@dataclass(frozen=True)
class Link:
    """An entry of the side bar, the palette or a menu."""

    id: str
    title: str
    url: str
    icon: str
    badge: str = ""
    keys: str = ""
    active: bool = False

    @property
    def key_list(self) -> list[str]:
        """The keys of the shortcut, one by one."""
        return self.keys.split()


@dataclass(frozen=True)
class Section:
    """A group of entries of the side bar."""

    id: str
    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Banner:
    """A line above every page."""

    tone: str
    text: str
    url: str = ""
    link: str = ""


class Shell:
    """Answers what templates ask about the frame; nothing is computed that no template asks for."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def partial(self) -> bool:
        """Whether the part of the page that changes is answer enough."""
        return htmx(self._request)

    @property
    def frame(self) -> str:
        """The template that pages stand in."""
        return "callboard/part.html" if self.partial else "callboard/base.html"

    @cached_property
    def who(self) -> Principal:
        """Whoever asks."""
        return getattr(self._request, "principal", None) or ANONYMOUS

    @cached_property
    def initials(self) -> str:
        """Up to two letters that stand for whoever is signed in."""
        words = [word for word in self.who.name.replace("-", " ").replace(".", " ").split() if word[0].isalnum()]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

    @cached_property
    def name(self) -> str:
        """What the portal is called."""
        return portal_config().organisation.name

    @cached_property
    def support_url(self) -> str:
        """Where help is found, if the operator said so."""
        return portal_config().organisation.support_url

    @cached_property
    def theme(self) -> str:
        """How the page looks: what the account chose, or this browser where there is no account."""
        user = getattr(self._request, "user", None)
        chosen = getattr(user, "theme", "") or self._request.COOKIES.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else "auto"

    @cached_property
    def collapsed(self) -> bool:
        """Whether the side bar shows icons alone."""
        return self._request.COOKIES.get(SIDE_COOKIE) == "collapsed"

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The side bar, without what the caller may not use."""
        links: dict[str, list[Link]] = {"main": [], "admin": []}
        if self.who.signed_in:
            for item in registry.of(NavItem):
                url = self._address(item, item.page)
                if url:
                    links[item.section].append(
                        Link(item.id, gettext(item.title), url, item.icon, badge=self._badge(item))
                    )
        every = [link.url for group in links.values() for link in group]
        here = self._active(every)
        titles = {"main": gettext("Main"), "admin": gettext("Administration")}
        return tuple(
            Section(name, titles[name], tuple(_marked(link, here) for link in group))
            for name, group in links.items()
            if group
        )

    def _active(self, addresses: list[str]) -> str:
        path = self._request.path
        fitting = [url for url in addresses if path == url or (url != "/" and path.startswith(url.rstrip("/") + "/"))]
        return max(fitting, key=len, default="")

    @cached_property
    def active_url(self) -> str:
        """Address of the side bar's entry that the current page belongs to."""
        return next((link.url for section in self.sections for link in section.links if link.active), "")

    def _badge(self, item: NavItem) -> str:
        if item.badge is None:
            return ""
        try:
            with registry.guard(item):
                return item.badge(self._request) or ""
        except Exception:  # noqa: BLE001 - a badge that fails takes down itself alone
            return ""

    def _address(self, item: Contribution, page: str, query: str = "") -> str:
        if not allowed(item.permission, self.who) or not page_allowed(page, self.who):
            return ""
        try:
            return reverse(page) + query
        except NoReverseMatch:
            return ""

    @cached_property
    def commands(self) -> tuple[Link, ...]:
        """What the palette offers to the caller."""
        found = []
        for item in registry.of(Command):
            url = self._address(item, item.page, item.query)
            if url:
                found.append(Link(item.id, gettext(item.title), url, item.icon, keys=item.keys))
        return tuple(found)

    @property
    def shortcuts(self) -> tuple[Link, ...]:
        """Commands with a keyboard shortcut."""
        return tuple(link for link in self.commands if link.keys)

    @cached_property
    def create(self) -> tuple[Link, ...]:
        """What stands behind the button "Create"."""
        wanted = {item.id for item in registry.of(Command) if item.create}
        return tuple(link for link in self.commands if link.id in wanted)

    @cached_property
    def settings(self) -> tuple[Link, ...]:
        """The caller's own settings."""
        found = []
        if self.who.signed_in:
            for item in registry.of(SettingsPage):
                url = self._address(item, item.page)
                if url:
                    found.append(Link(item.id, gettext(item.title), url, item.icon))
        return tuple(found)

    @cached_property
    def banners(self) -> tuple[Banner, ...]:
        """What everybody, or an administrator, must know on every page."""
        found = []
        if self.who.viewed_by:
            text = gettext("You see the portal as %(name)s does. You can look at everything and change nothing.")
            leave = gettext("Be yourself again")
            found.append(Banner("warning", text % {"name": self.who.name}, way_out(self._request), leave))
        elif self.who.type == "guest":
            text = (
                gettext("You are looking around a demo as a guest: you can read everything and change nothing.")
                if portal_config().demo
                else gettext("You are looking around as a guest: you can read and change nothing.")
            )
            found.append(Banner("info", text, _named("sign-in"), gettext("Sign in")))
        elif portal_config().demo and not self.who.signed_in and guests_welcome():
            found.append(Banner("info", gettext("This is a demo with made-up content.")))
        if self.who.administrator:
            bad = registry.quarantined()
            if bad:
                names = ", ".join(item.name for item in bad)
                text = gettext("Quarantined, because it cannot be loaded: %(names)s.") % {"names": names}
                found.append(Banner("warning", text, _named("plugins"), gettext("See why")))
        return tuple(found)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give templates ``shell``."""
    return {"shell": Shell(request)}


def allowed(permission: str | None, who: Principal) -> bool:
    """Whether the caller may, to some resources at least."""
    return permission is None or decide(permission, who).result != "deny"


def page_allowed(name: str, who: Principal) -> bool:
    """Whether the caller may open the page of that name; pages of nobody's making are open."""
    page = next((page for page in registry.of(Page) if page.name == name), None)
    if page is None:
        return True
    return (page.anonymous or who.signed_in) and allowed(page.permission, who)


def _marked(link: Link, here: str) -> Link:
    return Link(link.id, link.title, link.url, link.icon, link.badge, link.keys, active=link.url == here)


def _named(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
