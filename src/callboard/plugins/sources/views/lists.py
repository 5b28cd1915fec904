"""The list of sources, the gallery of types, and the page of one source."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.plugins.catalog.public import named
from callboard.plugins.sources import selectors
from callboard.plugins.sources.services import hooks, keeping
from callboard.plugins.sources.types.found import TYPES
from callboard.sdk.permissions import authorize, require
from callboard.sdk.ui import offset_page, page_url, render

_READ = "sources.source.read"


@require_safe
def source_list(request: HttpRequest) -> HttpResponse:
    """Show every source with its state."""
    require(_READ)
    return render(request, "sources/sources.html", {"sources": selectors.sources(), "manages": _manages()})


@require_safe
def source_gallery(request: HttpRequest) -> HttpResponse:
    """Let people choose what kind of source to connect."""
    require(keeping.MANAGE)
    sections = [
        (_("Source hosts"), [one for one in TYPES if one.section == "hosts"]),
        (_("People"), [one for one in TYPES if one.section == "people"]),
        (_("Clusters, files and APIs"), [one for one in TYPES if one.section == "data"]),
    ]
    return render(request, "sources/gallery.html", {"gallery": sections})


@require_safe
def source_detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one source: its state, what came from it, its runs."""
    require(_READ)
    view = selectors.source(name)
    if view is None:
        raise Http404(_("There is no such source; somebody may have deleted it."))
    counts, refs = selectors.brought_by(name, 12)
    context = {
        "source": view,
        "manages": _manages(),
        "counts": sorted(counts.items()),
        "entities": sorted((one for one in named(refs).values() if one.exists), key=lambda one: one.label),
        "more": max(0, sum(counts.values()) - len(refs)),
        "files": offset_page(request, selectors.files_of(name), parameter="files"),
        "page": offset_page(request, selectors.runs_of(name)),
        "tab": request.GET.get("tab", ""),
        "hooks": hooks.recent_hooks(name),
        "hook_url": request.build_absolute_uri(f"/api/sources/{name}/webhook"),
        "secret": request.session.pop(f"sources.hook.{name}", ""),
    }
    if request.GET.get("part") == "state":
        return render(request, "sources/_live.html", context)
    return render(request, "sources/source.html", context)


@require_POST
def source_action(request: HttpRequest, name: str, action: str) -> HttpResponse:
    """Run, pause, resume or delete a source, or renew the secret of its webhooks."""
    try:
        if action == "run":
            keeping.run_source(name)
            messages.success(request, _("It is looked through now."))
        elif action in {"pause", "resume"}:
            keeping.pause_source(name, paused=action == "pause")
            messages.success(request, _("It is paused.") if action == "pause" else _("It goes on."))
        elif action == "hook-secret":
            # Shown once, on the next page.
            request.session[f"sources.hook.{name}"] = keeping.renew_hook_secret(name)
            return redirect(f"{page_url('source', name)}?tab=webhooks")
        elif action == "delete":
            gone = keeping.delete_source(name)
            messages.success(
                request, _("The source is deleted, and %(count)d entities with it.") % {"count": len(gone)}
            )
            return redirect("sources")
        else:
            raise Http404(_("Sources know no such action."))
    except keeping.SourceMissingError:
        raise Http404(_("There is no such source to change here; those of callboard.yaml are changed there.")) from None
    return redirect("source", name=name)


def _manages() -> bool:
    return authorize(keeping.MANAGE).allowed
