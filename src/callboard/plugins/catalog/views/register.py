"""Walk through registering a location: paste, look, register, watch the entities arrive."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from callboard.lib.problems import ProblemError
from callboard.plugins.catalog.selectors import overview
from callboard.plugins.catalog.selectors.pages import ingestion
from callboard.plugins.catalog.selectors.pages.names import kind_icon, kind_title, named
from callboard.plugins.catalog.services import locations, wizard
from callboard.sdk.auth import principal
from callboard.sdk.permissions import require
from callboard.sdk.ui import render, toast

SHOWN = 200
POLLS = 150
"""How often a page asks again before it leaves the matter to the reader; about two minutes and a half."""


@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Ask for an address; look at it (POST ``look``) and register it (POST ``register``)."""
    require("catalog.location.create")
    data = request.POST if request.method == "POST" else request.GET
    text, ref = data.get("location", "")[:3000], data.get("ref", "").strip()[:200]
    context = {"location": text, "ref": ref, "local": principal().administrator, "step": 1}
    if request.method != "POST":
        return render(request, "catalog/register.html", context)
    try:
        target = wizard.understand_location(text, ref)
        if request.POST.get("step") == "register":
            return _registered(request, target.type, target.target)
        look = wizard.look_at(target)
    except ProblemError as error:
        return render(request, "catalog/register.html", context | {"mistakes": error.problems}, status=422)
    found = look.entities
    context |= {
        "step": 2,
        "look": look,
        "found": [
            (
                item.ref,
                kind_icon(item.entity["kind"]),
                kind_title(item.entity["kind"]),
                _label(item.entity),
                item.line,
                item.location.partition(":")[2],
                look.states.get(item.ref, "new"),
                item.entity.get("spec", {}).get("owner", "") if isinstance(item.entity.get("spec"), dict) else "",
            )
            for item in found[:SHOWN]
        ],
        "count": len(found),
        "more": max(0, len(found) - SHOWN),
        "problems": [(p.problem, p.ref) for p in look.preview.problems[:SHOWN]],
        "problem_count": len(look.preview.problems),
        "notes": look.preview.notes[:SHOWN],
        "more_notes": max(0, len(look.preview.notes) - SHOWN),
    }
    return render(request, "catalog/register.html", context)


def _label(entity: dict[str, object]) -> str:
    metadata = entity.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return str(metadata.get("title") or metadata.get("name") or "")


def _registered(request: HttpRequest, type_: str, target: str) -> HttpResponse:
    try:
        source = locations.register_location(type_, target)
    except locations.LocationExistsError:
        source = overview.source_at(type_, target)
        toast(request, _("This location was registered before; here is what it brings."), "info")
    return HttpResponseRedirect(reverse("catalog-registered", args=[source.uid]))


@require_safe
def registered(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show what a registration has brought so far; the page asks again until all is read."""
    require("catalog.location.read")
    source = ingestion.location_at(uid)
    if source is None:
        raise Http404(_("This location is not registered any longer."))
    origin = source.origin or str(source)
    waiting = ingestion.still_to_read(origin)
    tries = request.GET.get("try", "0")
    number = int(tries) if tries.isascii() and tries.isdigit() and len(tries) < 5 else 0
    refs = ingestion.brought(origin)
    names = named(refs[:SHOWN])
    context = {
        "source": source,
        "waiting": waiting,
        "polling": waiting > 0 and number < POLLS,
        "next_try": number + 1,
        "given_up": waiting > 0 and number >= POLLS,
        "entities": [names[ref] for ref in refs[:SHOWN]],
        "count": len(refs),
        "more": max(0, len(refs) - SHOWN),
        "problems": overview.problems_of(origin)[:SHOWN],
    }
    template = "catalog/_arrivals.html" if request.GET.get("part") else "catalog/registered.html"
    return render(request, template, context)
