"""Answer the saved views of the catalog table that a person may use."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from callboard.plugins.catalog.models import SavedView
from callboard.sdk.auth import principal


@dataclass(frozen=True)
class Views:
    """Saved views by who they are for."""

    mine: list[SavedView]
    groups: list[SavedView]
    everybody: list[SavedView]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.mine or self.groups or self.everybody)


def _visible() -> Q:
    who = principal()
    own = Q(owner_ref=who.ref) if who.ref and who.type != "guest" else Q(pk__in=[])
    return own | Q(audience="*") | Q(audience__in=[ref for ref in who.ownership_refs if ref])


def saved_views() -> Views:
    """Answer the caller's views, those of their groups, and those for everybody."""
    rows = list(SavedView.objects.filter(_visible()).order_by("name"))
    return Views(
        mine=[view for view in rows if not view.audience],
        groups=[view for view in rows if view.audience not in ("", "*")],
        everybody=[view for view in rows if view.audience == "*"],
    )


def default_view(kind: str) -> SavedView | None:
    """Answer the view that the table of a kind opens with: one's own before the group's before everybody's."""
    found = SavedView.objects.filter(_visible(), kind=kind, default=True)
    ranked = sorted(found, key=lambda view: (view.audience != "", view.audience == "*", view.name))
    return ranked[0] if ranked else None
