"""Show pushed sets and held deletions, and let people decide on them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from callboard.plugins.catalog.selectors import sets
from callboard.plugins.catalog.selectors.pages import ingestion
from callboard.plugins.catalog.selectors.pages.names import named
from callboard.plugins.catalog.services import deciding, pushing
from callboard.plugins.catalog.types.pushing import PORTAL, PREFIX
from callboard.plugins.catalog.views.actions import back_to
from callboard.sdk.permissions import decide, require
from callboard.sdk.ui import render, toast

SHOWN = 60


@require_safe
def held_list(request: HttpRequest) -> HttpResponse:
    """Show deletions that wait for a decision, with what each would take."""
    require("catalog.location.read")
    holds = sets.holds()
    titles = sets.titles_of(hold.source for hold in holds)
    names = named(ref for hold in holds for ref in hold.refs[:SHOWN])
    rows = [
        (
            hold,
            titles[hold.source_id],
            [names[ref] for ref in hold.refs[:SHOWN]],
            max(0, len(hold.refs) - SHOWN),
            len(hold.refs),
        )
        for hold in holds
    ]
    context = {
        "rows": rows,
        "counts": ingestion.tab_counts(),
        "on_held": "yes",
        "may_decide": decide("catalog.deletion.decide").result != "deny",
    }
    return render(request, "catalog/ingestion_held.html", context)


@require_POST
def decide_held(request: HttpRequest) -> HttpResponse:
    """Let a held deletion happen, or keep its entities."""
    uid = request.POST.get("source", "")
    try:
        if request.POST.get("decision") == "confirm":
            count = len(deciding.confirm_deletion(uid))
            text = ngettext("%(count)d entity is removed.", "%(count)d entities are removed.", count)
        else:
            count = deciding.keep_entities(uid)
            text = ngettext("%(count)d entity stays.", "%(count)d entities stay.", count)
    except deciding.HoldMissingError:
        toast(request, _("This was decided already, or what was missing came back."), "info")
    else:
        toast(request, text % {"count": count})
    return back_to(request, reverse("ingestion-held"))


@require_safe
def set_list(request: HttpRequest) -> HttpResponse:
    """Show the sets that programs push, and the entities that the portal itself manages."""
    require("catalog.location.read")
    rows = [
        (source, source.target.removeprefix(PREFIX), source.target == f"{PREFIX}{PORTAL}")
        for source in sets.pushed_sets()
    ]
    context = {
        "rows": rows,
        "counts": ingestion.tab_counts(),
        "on_sets": "yes",
        "may_push": decide("catalog.set.push").result != "deny",
        "address": request.build_absolute_uri("/api/catalog/sets/my-pipeline"),
    }
    return render(request, "catalog/ingestion_sets.html", context)


@require_POST
def remove_set(request: HttpRequest) -> HttpResponse:
    """Remove a set with what it alone declares."""
    name = request.POST.get("set", "")
    try:
        count = len(pushing.remove_set(name))
    except pushing.SetMissingError:
        toast(request, _("There is no such set any longer."), "info")
    else:
        text = ngettext(
            "The set %(name)s is removed; %(count)d entity went with it.",
            "The set %(name)s is removed; %(count)d entities went with it.",
            count,
        )
        toast(request, text % {"name": name, "count": count})
    return back_to(request, reverse("ingestion-sets"))
