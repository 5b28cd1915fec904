"""Take the catalog table away as a file, and keep views of it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.lib.problems import ProblemError
from callboard.plugins.catalog.selectors.exporting import FORMATS
from callboard.plugins.catalog.selectors.pages.table import TableQuery, in_order
from callboard.plugins.catalog.services.saving import ViewMissingError, remove_view, save_view
from callboard.plugins.catalog.views.actions import PICKED, back_to
from callboard.plugins.catalog.views.addresses import read_query, write_query
from callboard.sdk.auth import on_behalf
from callboard.sdk.ui import toast

_USUAL = ("ref", "kind", "name", "title")


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Answer exactly what the table shows, all pages of it, or the entities that were picked."""
    form = request.GET.get("format", "csv")
    if form not in FORMATS:
        raise Http404(_("There is no format called %(name)s.") % {"name": form[:40]})
    picked = [ref.lower()[:300].replace("\0", "") for ref in request.GET.getlist("ref")][:PICKED]
    query = read_query(request.GET)
    found = in_order(TableQuery(kind="all")).filter(ref__in=picked) if picked else in_order(query)
    columns = dict.fromkeys((*_USUAL, *query.columns, "namespace"))
    media_type, write = FORMATS[form]
    response = StreamingHttpResponse(on_behalf(write(found, list(columns))), content_type=media_type)
    name = f"catalog-{'selection' if picked else query.kind}-{timezone.now():%Y-%m-%d}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{"".join(c for c in name if c.isalnum() or c in "-.")}"'
    return response


@require_POST
def keep_view(request: HttpRequest) -> HttpResponse:
    """Save what the table shows under a name."""
    query = read_query(QueryDict(request.POST.get("address", "")[:4000].lstrip("?").replace("\0", "")))
    address = write_query(query)
    try:
        view = save_view(
            request.POST.get("name", ""),
            address,
            kind=query.kind,
            audience=request.POST.get("audience", ""),
            default=request.POST.get("default") == "on",
        )
    except ProblemError as error:
        toast(request, f"{error.problems[0].message} {error.problems[0].remedy}", "danger")
        return HttpResponseRedirect(reverse("catalog") + address)
    toast(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return HttpResponseRedirect(f"{reverse('catalog')}{address}&view={view.pk}")


@require_POST
def drop_view(request: HttpRequest, uid: object) -> HttpResponse:
    """Remove a saved view."""
    try:
        name = remove_view(str(uid))
    except ViewMissingError:
        toast(request, _("It was gone already."), "info")
    else:
        toast(request, _("The view “%(name)s” is removed.") % {"name": name})
    return back_to(request, reverse("catalog") + "?view=none")
