"""Name entities the way people know them: title, icon and address for many refs in one query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from django.db.models.fields.json import KeyTextTransform
from django.urls import NoReverseMatch

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.selectors.concealing import hidden_among
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.selectors.querying import readable
from callboard.plugins.catalog.selectors.views import entity_url

FALLBACK_ICON = "box"


@dataclass(frozen=True)
class Named:
    """An entity as a link: ``exists`` is false for a ref that points nowhere, or to what the caller may not see.

    ``hidden`` tells the latter, for whoever names entities that did not ask to be named.
    """

    ref: str
    kind: str
    label: str
    url: str
    icon: str
    exists: bool = True
    description: str = ""
    type: str = ""
    lifecycle: str = ""
    owner_ref: str = ""
    hidden: bool = False


def kind_icon(kind: str) -> str:
    """Answer the icon of a kind, in any case."""
    found = catalog_model().kind_named(kind)
    return found.icon if found else FALLBACK_ICON


def kind_title(kind: str) -> str:
    """Answer a kind in its own spelling; an unknown one as it came."""
    found = catalog_model().kind_named(kind)
    return (found.title or found.kind) if found else kind


def named(refs: Iterable[str]) -> dict[str, Named]:
    """Answer every ref as a link; those that do not exist say so."""
    wanted = {ref.lower() for ref in refs if ref}
    found: dict[str, Named] = {}
    if not wanted:
        return found
    icons: dict[str, str] = {}
    rows = readable().filter(ref__in=wanted)
    for ref, kind, name, title, description, type_, lifecycle, owner in rows.values_list(
        "ref", "kind_name", "display_name", "title", "description", "type", "lifecycle", "owner_ref"
    ):
        icon = icons.get(kind) or icons.setdefault(kind, kind_icon(kind))
        found[ref] = Named(ref, kind, title or name, address(ref), icon, True, description, type_, lifecycle, owner)
    _name_locations(found)
    missing = wanted - found.keys()
    hidden = hidden_among(missing) if missing else set()
    for ref in missing:
        found[ref] = replace(nameless(ref), hidden=ref in hidden)
    return found


def _name_locations(found: dict[str, Named]) -> None:
    """Call locations that were named by a machine by what they point to."""
    unnamed = [ref for ref, item in found.items() if item.label.startswith("generated-") and item.kind == "Location"]
    if not unnamed:
        return
    targets = readable().filter(ref__in=unnamed).values_list("ref", KeyTextTransform("spec.target", "fields"))
    for ref, target in targets:
        if target:
            found[ref] = replace(found[ref], label=target)


def nameless(ref: str) -> Named:
    """Answer a ref that points nowhere, by its own name."""
    kind, _, rest = ref.partition(":")
    return Named(ref, kind_title(kind), rest.rpartition("/")[2] or ref, address(ref), kind_icon(kind), exists=False)


@lru_cache(maxsize=20_000)
def address(ref: str) -> str:
    """Answer the address of an entity's page; nothing for what cannot be a ref."""
    try:
        EntityRef.parse(ref, None, "default")
        return entity_url(ref)
    except (RefError, NoReverseMatch):
        return ""
