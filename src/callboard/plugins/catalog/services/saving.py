"""Save views of the catalog table under a name, for oneself, a group or everybody."""

from __future__ import annotations

from django.db import transaction

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.plugins.catalog.models import SavedView
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.permissions import NotAllowedError, decide, require

EVERYBODY = "*"
LONGEST = 80
MOST = 200


class ViewMissingError(LookupError):
    """There is no such view, or the caller may not see it."""


def save_view(name: str, address: str, *, kind: str, audience: str = "", default: bool = False) -> SavedView:
    """Save an address of the table (its query string) under a name; one of the same name is replaced.

    Raises :class:`ProblemError` for a name that cannot be used, and :class:`NotAllowedError` for an
    audience that is not the caller's to speak to.
    """
    require("catalog.view.create")
    who = principal()
    if who.type == "guest":
        raise NotAllowedError("catalog.view.create", "guests have no views of their own; sign in to save some")
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise ProblemError(
            Problem("view-name", "A view needs a name.", f"Give it one of up to {LONGEST} characters.", Place("name"))
        )
    if audience == EVERYBODY:
        require("catalog.view.publish")
    elif audience and audience not in who.ownership_refs:
        raise NotAllowedError("catalog.view.create", f"{audience} is not a group of yours")
    with transaction.atomic():
        mine = SavedView.objects.filter(owner_ref=who.ref)
        if mine.exclude(name=name).count() >= MOST:
            raise ProblemError(
                Problem("view-many", f"You have {MOST} views already.", "Remove some of them first.", Place("name"))
            )
        if default:
            others = SavedView.objects.filter(kind=kind, audience=audience, default=True)
            (others.filter(owner_ref=who.ref) if not audience else others).update(default=False)
        view, _new = SavedView.objects.update_or_create(
            owner_ref=who.ref,
            name=name,
            defaults={"kind": kind, "address": address, "audience": audience, "default": default},
        )
        record("catalog.view.save", str(view.pk), {"name": name, "audience": audience, "default": default})
    return view


def remove_view(view_id: str) -> str:
    """Remove a saved view; answer its name. Those of others need the permission to publish views."""
    require("catalog.view.create")
    who = principal()
    with transaction.atomic():
        view = SavedView.objects.filter(pk=view_id).first()
        if view is None or not (view.owner_ref == who.ref or view.audience in (EVERYBODY, *who.ownership_refs)):
            raise ViewMissingError("there is no such view")
        if view.owner_ref != who.ref and decide("catalog.view.publish").result == "deny":
            raise NotAllowedError("catalog.view.publish", "it was saved by somebody else")
        view.delete()
        record("catalog.view.remove", view_id, {"name": view.name, "audience": view.audience})
    return view.name
