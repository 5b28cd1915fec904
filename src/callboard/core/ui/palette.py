"""Answer the command palette: pages and commands by name, and what plugins find live."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from django.http import HttpRequest
from django.utils.translation import gettext

from callboard.core.registry.contract import Command, PaletteSource
from callboard.core.registry.store import registry
from callboard.core.ui.context import Link, Shell, allowed

LIMIT = 8
"""Entries of a group: more would hide the next group."""
MOST = 24
"""Entries of a source."""


@dataclass(frozen=True)
class Entry:
    """One line of the palette."""

    title: str
    url: str
    subtitle: str = ""
    icon: str = "arrow-right"
    keys: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Lines that belong together."""

    title: str
    entries: tuple[Entry, ...]


def palette_groups(request: HttpRequest, text: str) -> list[Group]:
    """Answer the groups for a text; without one, where people can go. A source that fails is left out."""
    shell = Shell(request)
    groups: list[Group] = []
    ways_on: list[Group] = []
    if text:
        # What one source has found, the next need not say again.
        told: set[str] = set()
        for source in registry.of(PaletteSource):
            if allowed(source.permission, shell.who):
                for last, group in _found(source, request, text, told):
                    (ways_on if last else groups).append(group)
    pages = [_entry(link) for section in shell.sections for link in section.links if _fits(text, link.title)]
    taken = {entry.url for entry in pages}
    words = {item.id: " ".join(item.keywords) for item in registry.of(Command)}
    commands = [
        _entry(link)
        for link in shell.commands
        if link.url not in taken and _fits(text, f"{link.title} {words.get(link.id, '')}")
    ]
    keys = {link.url: link.keys for link in shell.commands if link.keys}
    pages = [Entry(p.title, p.url, p.subtitle, p.icon, keys.get(p.url, "")) for p in pages]
    if pages:
        groups.append(Group(gettext("Pages"), tuple(pages[: LIMIT * 2])))
    if commands:
        groups.append(Group(gettext("Commands"), tuple(commands[: LIMIT * 2])))
    return groups + ways_on


def _found(source: PaletteSource, request: HttpRequest, text: str, told: set[str]) -> list[tuple[bool, Group]]:
    found: dict[tuple[bool, str], list[Entry]] = {}
    try:
        with registry.guard(source):
            for item in islice(source.find(request, text, LIMIT), MOST):
                if item.url in told:
                    continue
                told.add(item.url)
                entry = Entry(item.title, item.url, item.subtitle, item.icon, note=item.note)
                found.setdefault((item.last, item.group or gettext(source.title)), []).append(entry)
    except Exception:  # noqa: BLE001 - a source that fails takes down itself alone
        return []
    return [(last, Group(title, tuple(entries[:LIMIT]))) for (last, title), entries in found.items()]


def _entry(link: Link) -> Entry:
    return Entry(link.title, link.url, icon=link.icon, keys=link.keys)


def _fits(text: str, words: str) -> bool:
    folded = words.casefold()
    return all(part in folded for part in text.casefold().split())
