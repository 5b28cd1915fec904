"""Answer the parts of a page that come later or change it: builds, logs, versions, finding, feedback."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.plugins.catalog.public import ReadError, entity_folder_versions, entity_view
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sites import run_lines, run_state, verdict
from callboard.plugins.techdocs.selectors.sites import site as find_site
from callboard.plugins.techdocs.selectors.sources import docs_source
from callboard.plugins.techdocs.services import building, feedback
from callboard.plugins.techdocs.services.finding import found_in
from callboard.plugins.techdocs.services.reading import page_url
from callboard.plugins.techdocs.types.layout import SiteKey
from callboard.sdk.auth import principal
from callboard.sdk.permissions import authorize
from callboard.sdk.ui import render, toast

_SHOWN_LINES = 400


def _key(values: object) -> SiteKey:
    get = values.get  # type: ignore[attr-defined]
    ref = str(get("ref", "")).lower()
    if entity_view(ref) is None:
        raise Http404(_("There is no such entity, or you may not see it."))
    return SiteKey(ref, str(get("version", ""))[:250])


def _back(request: HttpRequest, key: SiteKey) -> HttpResponse:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return HttpResponseRedirect(target if safe else page_url(key))


@require_POST
def build(request: HttpRequest) -> HttpResponse:
    """Build a site anew."""
    key = _key(request.POST)
    try:
        building.request_build(key.ref, key.version, force=True)
        toast(request, _("The documentation is being built."), "info")
    except building.NoDocsError as error:
        toast(request, str(error), "danger")
    except ReadError as error:
        toast(request, f"{error.message} {error.remedy}", "danger")
    return _back(request, key)


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Show the log of the build that is under way; the page asks again until it ends."""
    key = _key(request.GET)
    site = find_site(key)
    if site is None:
        raise Http404(_("There is no such documentation."))
    state = run_state(site)
    lines = run_lines(site, limit=_SHOWN_LINES)
    active = state in ("queued", "running")
    context = {
        "site": site,
        "lines": lines,
        "active": active,
        "queued": state == "queued",
        "done": not active and site.built_at is not None and site.state != Site.State.FAILED,
        "next": page_url(key, request.GET.get("path", "")[:500]),
        "may_build": authorize("catalog.entity.refresh", key.ref).allowed,
    }
    response = render(request, "techdocs/_log.html", context)
    if context["done"]:
        response["HX-Redirect"] = str(context["next"])
    return response


@require_safe
def versions(request: HttpRequest) -> HttpResponse:
    """Show the branches and tags that can be read."""
    key = _key(request.GET)
    entity = entity_view(key.ref)
    source = docs_source(entity) if entity else None
    found, problem = [], ""
    if entity is not None and source is not None and source.target:
        try:
            found = entity_folder_versions(entity, source.target)
        except ReadError as error:
            problem = error.message
    path = request.GET.get("path", "")[:500]
    rows = [(item, page_url(SiteKey(key.ref, "" if item.default else item.name), path)) for item in found[:200]]
    context = {
        "branches": [row for row in rows if row[0].kind == "branch"],
        "tags": [row for row in rows if row[0].kind == "tag"],
        "current": key.version,
        "problem": problem,
        "usual": page_url(SiteKey(key.ref), path),
    }
    return render(request, "techdocs/_versions.html", context)


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """Find in one site; answers a list for the reader's search field."""
    key = _key(request.GET)
    site = find_site(key)
    text = request.GET.get("q", "").strip()[:200]
    hits = found_in(site, text) if site is not None and site.built_at is not None and text else []
    rows = [(hit, page_url(key, *hit.place)) for hit in hits]
    return render(request, "techdocs/_found.html", {"rows": rows, "text": text})


def _feedback(request: HttpRequest, key: SiteKey, path: str) -> HttpResponse:
    site = find_site(key)
    if site is None:
        raise Http404(_("There is no such documentation."))
    seen = verdict(site, path, principal().ref)
    rows = [(item, feedback.may_close(item)) for item in seen.remarks]
    may_speak = principal().signed_in and authorize("techdocs.feedback.create").allowed
    context = {"site": site, "path": path, "verdict": seen, "rows": rows, "may_speak": may_speak}
    return render(request, "techdocs/_feedback.html", context)


def vote(request: HttpRequest) -> HttpResponse:
    """Show what readers think of a page; a POST says whether it helped."""
    values = request.POST if request.method == "POST" else request.GET
    key, path = _key(values), str(values.get("path", ""))[:1000]
    if request.method == "POST":
        try:
            feedback.vote(key.ref, key.version, path, values.get("helpful") == "yes")
        except feedback.FeedbackError as error:
            toast(request, str(error), "danger")
    return _feedback(request, key, path)


@require_POST
def remark(request: HttpRequest) -> HttpResponse:
    """Leave a remark on a page or a sentence of it."""
    key, path = _key(request.POST), request.POST.get("path", "")[:1000]
    try:
        quote = request.POST.get("quote", "")
        feedback.remark(key.ref, key.version, path, request.POST.get("text", ""), quote)
        toast(request, _("The owner will see your remark. It closes when the page changes."))
    except feedback.FeedbackError as error:
        toast(request, str(error), "danger")
    return _feedback(request, key, path)


@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Close a remark."""
    number = request.POST.get("remark", "")
    try:
        found = feedback.close_remark(int(number) if number.isdigit() else 0)
    except feedback.FeedbackError as error:
        raise Http404(str(error)) from error
    toast(request, _("The remark is closed."))
    if request.POST.get("next"):
        return _back(request, SiteKey(found.site.ref, found.site.version))
    return _feedback(request, SiteKey(found.site.ref, found.site.version), found.path)
