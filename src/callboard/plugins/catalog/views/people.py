"""What the pages of groups and users show beside what every entity has."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from callboard.plugins.catalog.selectors.pages import people
from callboard.plugins.catalog.selectors.pages.table import TableQuery
from callboard.plugins.catalog.selectors.views import EntityView
from callboard.plugins.catalog.views.addresses import write_query


def group_context(entity: EntityView) -> dict[str, Any]:
    """Answer members, sub-groups, the way up, and what the group owns."""
    below = people.groups_below(entity.ref)
    owned = people.owned_by([entity.ref])
    everything = people.owned_by([entity.ref, *below]) if below else []
    return {
        "group": people.group_facts(entity.ref),
        "profile": profile_of(entity),
        "owned": _linked(owned),
        "owned_below": _linked(everything) if everything != owned else [],
    }


def user_context(entity: EntityView) -> dict[str, Any]:
    """Answer a person's profile, groups, and what they and their groups own."""
    groups = people.all_groups_of(entity.ref)
    return {
        "person": entity,
        "profile": profile_of(entity),
        "memberships": people.groups_of(entity.ref),
        "owned": _linked(people.owned_by([entity.ref])),
        "owned_through": _linked(people.owned_by(groups)) if groups else [],
    }


def profile_of(entity: EntityView) -> dict[str, str]:
    """Answer the profile with only what a page may use."""
    profile = entity.spec.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    email = profile.get("email")
    picture = profile.get("picture")
    return {
        "email": email if isinstance(email, str) and "@" in email else "",
        "picture": picture if isinstance(picture, str) and picture.startswith("https://") else "",
    }


def _linked(owned: list[people.Owned]) -> list[dict[str, Any]]:
    return [
        {
            "kind": item.kind,
            "plural": item.plural,
            "icon": item.icon,
            "count": item.count,
            "url": reverse("catalog") + write_query(TableQuery(kind=item.kind, filters={"owner": item.owners[:50]})),
        }
        for item in owned
    ]
