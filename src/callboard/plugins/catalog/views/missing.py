"""Say why an entity is not there: rejected, removed, never known, or misspelt."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.selectors.pages import entity as facts
from callboard.plugins.catalog.selectors.pages import ingestion
from callboard.plugins.catalog.selectors.pages.names import kind_icon, nameless
from callboard.plugins.catalog.selectors.sets import renamed_to
from callboard.plugins.catalog.selectors.views import entity_url
from callboard.sdk.permissions import decide
from callboard.sdk.ui import render, toast


def missing_entity(request: HttpRequest, namespace: str, kind: str, name: str) -> HttpResponse:
    """Answer 404 with everything that is known about a ref that leads nowhere."""
    try:
        ref = str(EntityRef.parse(f"{kind}:{namespace}/{name}")).lower()
    except RefError as error:
        raise Http404(_("%(ref)s cannot be an entity: %(error)s") % {"ref": request.path, "error": error}) from error
    now = renamed_to(ref)
    if now is not None and request.method in {"GET", "HEAD"}:
        toast(request, _("%(old)s is called %(new)s now.") % {"old": ref, "new": now}, "info")
        return HttpResponseRedirect(entity_url(now))
    tombstones = facts.tombstones_of(ref)
    context = {
        "ref": ref,
        "missing": nameless(ref),
        "kind_icon": kind_icon(kind),
        "problems": facts.problems_of(ref),
        "tombstones": [(stone, ingestion.undoable(stone)) for stone in tombstones],
        "similar": facts.similar(ref),
        "wanted_by": facts.wanted_by(ref),
        "may_restore": decide("catalog.location.create").result != "deny",
    }
    return render(request, "catalog/missing.html", context, status=404)
