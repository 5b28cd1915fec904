"""Show what could not be used and why, where everything comes from, and what is gone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.plugins.catalog.selectors.pages import ingestion
from callboard.plugins.catalog.selectors.pages.names import named
from callboard.plugins.catalog.selectors.sources import last_reading
from callboard.sdk.permissions import decide, require
from callboard.sdk.ui import offset_page, page_size, render

_LONGEST = 200


def _text(request: HttpRequest, name: str = "text") -> str:
    return request.GET.get(name, "").strip().replace("\0", "")[:_LONGEST]


def _may(permission: str) -> bool:
    return decide(permission).result != "deny"


@require_safe
def problem_list(request: HttpRequest) -> HttpResponse:
    """Show every rejected or conflicting entity and every unreadable location."""
    require("catalog.location.read")
    text, code, severity = _text(request), _text(request, "code"), _text(request, "severity")
    source = _text(request, "source")
    severity = severity if severity in {"error", "warning", "info"} else ""
    found = ingestion.problem_list(text, code, severity, source)
    page = offset_page(request, found, size=page_size(request))
    context = {
        "page": page,
        "names": named(problem.ref for problem in page),
        "text": text,
        "code": code,
        "severity": severity,
        "location": ingestion.location_named(source) if source else None,
        "source": source,
        "codes": ingestion.problem_codes(text, severity, code),
        "severities": ingestion.severity_counts(text, code),
        "filtered": bool(text or code or severity or source),
        "counts": ingestion.tab_counts(),
        "on_problems": "yes",
        "last": last_reading(),
        "may_dismiss": _may("catalog.entities.unprocessed.delete"),
        "may_refresh": _may("catalog.entity.refresh"),
        "may_register": _may("catalog.location.create"),
    }
    return render(request, "catalog/ingestion.html", context)


@require_safe
def location_list(request: HttpRequest) -> HttpResponse:
    """Show every location: registered by somebody, or discovered on the way."""
    require("catalog.location.read")
    text, state, registered = _text(request), _text(request, "state"), _text(request, "registered")
    state = state if state in ingestion.LOCATION_STATES else ""
    registered = registered if registered in {"yes", "no"} else ""
    found = ingestion.location_list(text, state, registered)
    words = {
        "failing": _("Cannot be read"),
        "problems": _("With problems"),
        "waiting": _("Waiting"),
        "fine": _("Fine"),
    }
    counts = ingestion.location_counts(text)
    context = {
        "page": offset_page(request, found, size=page_size(request)),
        "text": text,
        "state": state,
        "registered": registered,
        "states": [(key, word, counts[key]) for key, word in words.items()],
        "all": counts["all"],
        "filtered": bool(text or state or registered),
        "counts": ingestion.tab_counts(),
        "on_locations": "yes",
        "now": timezone.now(),
        "may_refresh": _may("catalog.entity.refresh"),
        "may_register": _may("catalog.location.create"),
        "may_unregister": _may("catalog.location.delete"),
    }
    return render(request, "catalog/ingestion_locations.html", context)


@require_safe
def removed_list(request: HttpRequest) -> HttpResponse:
    """Show what is gone and can, for a while, be brought back."""
    require("catalog.location.read")
    text, kind = _text(request), _text(request, "kind")
    page = offset_page(request, ingestion.removed_list(text, kind), size=page_size(request))
    now = timezone.now()
    context = {
        "page": page,
        "rows": [(stone, ingestion.undoable(stone, now), stone.undo_until >= now) for stone in page],
        "text": text,
        "kind": kind,
        "kinds": ingestion.removed_kinds(text, kind),
        "filtered": bool(text or kind),
        "counts": ingestion.tab_counts(),
        "on_removed": "yes",
        "may_undo": _may("catalog.location.create"),
    }
    return render(request, "catalog/ingestion_removed.html", context)
