"""Do what people ask for with a button: star, refresh, unregister, undo, dismiss."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from callboard.plugins.catalog.selectors.pages import entity as facts
from callboard.plugins.catalog.selectors.pages import ingestion
from callboard.plugins.catalog.selectors.pages.names import named
from callboard.plugins.catalog.selectors.sources import registered_by_id, registration_of
from callboard.plugins.catalog.selectors.views import entity_url, entity_view, entity_views
from callboard.plugins.catalog.services import entities, locations, wizard
from callboard.sdk.auth import principal
from callboard.sdk.permissions import NotAllowedError, authorize, require
from callboard.sdk.ui import htmx, render, toast

SHOWN = 200
PICKED = 500


def back_to(request: HttpRequest, default: str) -> HttpResponse:
    """Answer a redirect to where the form stood, if that is here."""
    wanted = request.POST.get("next", "")
    safe = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return HttpResponseRedirect(wanted if safe else default)


@require_POST
def star(request: HttpRequest) -> HttpResponse:
    """Star an entity or take the star away; ``star`` is ``1 <ref>`` or ``0 <ref>``."""
    on, _space, ref = request.POST.get("star", "").partition(" ")
    entity = entity_view(ref)
    if entity is None:
        raise Http404(_("There is no entity %(ref)s.") % {"ref": ref[:200]})
    if principal().type == "guest":
        raise NotAllowedError("catalog.entity.star", _("guests have no favourites; sign in to keep some"))
    entities.star(entity.ref, on=on == "1")
    if htmx(request):
        context = {"ref": entity.ref, "label": entity.label, "on": on == "1", "wide": request.POST.get("wide", "")}
        return render(request, "catalog/_star.html", context)
    return back_to(request, entity.url)


@require_POST
def act_on_many(request: HttpRequest) -> HttpResponse:
    """Star or refresh all entities that were picked in the table."""
    refs = list(dict.fromkeys(ref.lower()[:300] for ref in request.POST.getlist("ref")))[:PICKED]
    there = list(entity_views(refs))
    if not there:
        toast(request, _("Pick at least one entity first."), "warning")
    elif request.POST.get("do") == "star":
        if principal().type == "guest":
            raise NotAllowedError("catalog.entity.star", _("guests have no favourites; sign in to keep some"))
        entities.star_all(there)
        text = ngettext("%(n)d entity is starred.", "%(n)d entities are starred.", len(there))
        toast(request, text % {"n": len(there)})
    elif locations.refresh(there):
        toast(request, _("They are being read again. What changed shows within moments."), "info")
    else:
        toast(request, _("No location stands behind them, so there is nothing to read again."), "warning")
    return back_to(request, reverse("catalog"))


@require_POST
def refresh(request: HttpRequest) -> HttpResponse:
    """Read the sources of an entity again."""
    ref = request.POST.get("ref", "").lower()
    count = locations.refresh([ref])
    if count:
        toast(request, _("It is being read again. What changed shows within moments."), "info")
    else:
        toast(request, _("No location stands behind it, so there is nothing to read again."), "warning")
    return back_to(request, entity_url(ref))


@require_http_methods(["GET", "HEAD", "POST"])
def unregister(request: HttpRequest) -> HttpResponse:
    """Show what goes with a location, then unregister it; an entity without one is removed alone."""
    uid, ref = request.GET.get("id", ""), request.GET.get("ref", "").lower()
    entity = entity_view(ref) if ref else None
    source = registered_by_id(uid) if uid else registration_of(ref) if entity else None
    if source is None and entity is None:
        raise Http404(_("There is no such location or entity."))
    if request.method == "POST":
        if source is not None and request.POST.get("only") != "entity":
            removed = locations.unregister_location(str(source.uid))
            gone = [r for r in removed if not r.startswith("location:")]
            text = ngettext(
                "The location is unregistered; %(count)d entity went with it.",
                "The location is unregistered; %(count)d entities went with it.",
                len(gone),
            )
            toast(request, text % {"count": len(gone)})
        else:
            entities.remove_entity(ref)
            toast(request, _("%(ref)s is removed.") % {"ref": ref})
        return HttpResponseRedirect(reverse("ingestion-removed"))
    refs = facts.removed_with(source) if source else [ref]
    shown = [r for r in refs if not r.startswith("location:")] or refs
    names = named(shown[:SHOWN])
    context = {
        "entity": entity,
        "source": source,
        "going": [names[r] for r in shown[:SHOWN]],
        "count": len(shown),
        "more": max(0, len(shown) - SHOWN),
        "configured": source is not None and source.door == "config",
        "may_remove_alone": entity is not None and authorize("catalog.entity.delete", ref).allowed,
    }
    return render(request, "catalog/unregister.html", context)


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Bring a removed entity back from where it came."""
    number = request.POST.get("tombstone", "")
    try:
        ref = entities.restore_entity(int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0)
    except entities.NotRestorableError as error:
        toast(request, _("It cannot be brought back: %(reason)s.") % {"reason": error}, "danger")
    else:
        toast(request, _("%(ref)s is being brought back; it shows within moments.") % {"ref": ref})
    return back_to(request, reverse("ingestion-removed"))


@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    """Take a problem off the list until its source is read anew."""
    number = request.POST.get("problem", "")
    done = (
        entities.dismiss_problem(int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else False
    )
    if done:
        toast(request, _("Dismissed. It comes back if the next reading finds it again."))
    else:
        toast(request, _("It was gone already."), "info")
    return back_to(request, reverse("ingestion"))


@require_POST
def refresh_location(request: HttpRequest) -> HttpResponse:
    """Read a location again."""
    require("catalog.entity.refresh")
    source = ingestion.location_named(request.POST.get("id", ""))
    if source is None or wizard.read_location_again(str(source.uid)) is None:
        toast(request, _("There is no such location any longer."), "warning")
    else:
        toast(request, _("%(target)s is being read again.") % {"target": source.target}, "info")
    return back_to(request, reverse("ingestion-locations"))
