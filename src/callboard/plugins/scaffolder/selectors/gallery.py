"""Templates as cards, and what people have begun."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from callboard.plugins.catalog.public import EntityView, Named, entities_like, entity_views, named, starred_by
from callboard.plugins.scaffolder.models import Draft
from callboard.plugins.scaffolder.types.template import API_VERSION
from callboard.sdk.auth import principal

MOST = 500


@dataclass(frozen=True)
class Card:
    """A template in the gallery."""

    view: EntityView
    owner: Named | None
    starred: bool
    drafted: bool
    recommended: bool


@dataclass(frozen=True)
class Gallery:
    """The cards that match, and what can be chosen to narrow them."""

    cards: list[Card]
    types: list[tuple[str, int]]
    tags: list[tuple[str, int]]
    owners: list[tuple[Named, int]]
    total: int


def gallery(*, text: str = "", type_: str = "", tag: str = "", owner: str = "", only: str = "") -> Gallery:
    """Answer the templates that the caller may use, narrowed."""
    refs = [item.ref for item in entities_like([{"kind": ["template"]}], limit=MOST)]
    views = [view for view in entity_views(refs).values() if view.data.get("apiVersion") == API_VERSION]
    who = principal()
    starred = {item.ref for item in starred_by(who.ref, MOST)}
    drafted = set(drafts_of(who.ref))
    words = text.casefold().split()
    names = named(view.owner_ref for view in views)

    def fits(view: EntityView) -> bool:
        haystack = f"{view.label} {view.name} {view.description} {' '.join(view.tags)} {view.type}".casefold()
        return (
            all(word in haystack for word in words)
            and (not type_ or view.type == type_)
            and (not tag or tag in view.tags)
            and (not owner or view.owner_ref == owner)
            and (only != "starred" or view.ref in starred)
            and (only != "owned" or view.owner_ref in who.ownership_refs)
        )

    found = [
        Card(
            view,
            names.get(view.owner_ref),
            view.ref in starred,
            view.ref in drafted,
            "recommended" in view.tags,
        )
        for view in views
        if fits(view)
    ]
    found.sort(key=lambda card: (not card.starred, not card.recommended, card.view.label.casefold()))
    owners = Counter(view.owner_ref for view in views if view.owner_ref)
    return Gallery(
        found,
        sorted(Counter(view.type for view in views if view.type).items()),
        Counter(tag for view in views for tag in view.tags).most_common(12),
        [(names[ref], count) for ref, count in owners.most_common(12) if ref in names],
        len(views),
    )


def drafts_of(person: str) -> dict[str, Draft]:
    """Answer what somebody has begun, by template."""
    return {draft.template_ref: draft for draft in Draft.objects.filter(owner=person)}


def draft_of(template_ref: str) -> Draft | None:
    """Answer what the caller has begun of a template."""
    return Draft.objects.filter(owner=principal().ref, template_ref=template_ref).first()
