"""The form that makes or changes a source: it explains itself, tests, and shows what would be found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from callboard.plugins.hosts.public import hosts
from callboard.plugins.sources import selectors
from callboard.plugins.sources.services import keeping, running
from callboard.plugins.sources.types.found import BY_NAME, SourceError, SourceType
from callboard.sdk.permissions import require
from callboard.sdk.ui import form_sections, page_url, read_form, render


@require_http_methods(["GET", "POST"])
def source_new(request: HttpRequest, type_: str) -> HttpResponse:
    """Ask for a source; test it, look what it would bring, or make it."""
    require(keeping.MANAGE)
    about = BY_NAME.get(type_)
    if about is None:
        raise Http404(_("There is no such type of source."))
    if about.product and not _connections(about):
        # Signing in comes first; the form of the connection leads back here.
        here = urlencode({"next": page_url("source-new", type_)})
        return redirect(f"{page_url('host-new', about.product)}?{here}")
    if request.method != "POST":
        chosen = request.GET.get("connection") or next((name for name, _label in _connections(about)), "")
        return _form(request, about, {"name": _free_name(type_), "connection": chosen})
    values = read_form(about.model, request.POST, hidden=("type",))
    name = request.POST.get("name", "").strip() or _free_name(type_)
    shown = {**values, "name": name}
    if "test" in request.POST or "preview" in request.POST:
        return _tried(request, about, values, shown, "")
    try:
        keeping.create_source(name, type_, values)
    except keeping.SourceInvalidError as error:
        return _form(request, about, shown, errors=error.errors, status=422)
    messages.success(request, _("The source is connected and looked through for the first time."))
    return redirect("source", name=name)


@require_http_methods(["GET", "POST"])
def source_edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change a source."""
    require(keeping.MANAGE)
    view = selectors.source(name)
    if view is None or view.configured:
        raise Http404(_("There is no such source to change here; those of callboard.yaml are changed there."))
    shown = {**view.settings, "name": name}
    if request.method != "POST":
        return _form(request, view.about, shown, view=view)
    values = read_form(view.about.model, request.POST, hidden=("type",))
    shown |= values
    if "test" in request.POST or "preview" in request.POST:
        return _tried(request, view.about, values, shown, name, view)
    try:
        keeping.change_source(name, values)
    except keeping.SourceInvalidError as error:
        return _form(request, view.about, shown, view=view, errors=error.errors, status=422)
    messages.success(request, _("Saved. Run it to see what changes."))
    return redirect("source", name=name)


def _tried(
    request: HttpRequest,
    about: SourceType,
    values: Mapping[str, Any],
    shown: dict[str, Any],
    name: str,
    view: selectors.SourceView | None = None,
) -> HttpResponse:
    more: dict[str, Any] = {}
    try:
        if "test" in request.POST:
            more["tested"] = running.try_source(about.name, values, name)
        else:
            look = running.preview_source(about.name, values, name)
            more["look"] = look
            more["looked_at"] = dict(look.discovery.looked_at)
            more["found_counts"] = look.discovery.counts()
            more["shown_entities"] = look.discovery.entities[:50]
            more["shown_files"] = look.discovery.files[:50]
            if about.name == "http":
                items = running.sample_items(values, name)[:1]
                more["sample"] = json.dumps(items[0], indent=2, ensure_ascii=False)[:5000] if items else ""
                if look.discovery.entities:
                    from callboard.lib.yaml12 import dump  # noqa: PLC0415 - beside its one use

                    more["made"] = dump(look.discovery.entities[0])
    except keeping.SourceInvalidError as error:
        return _form(request, about, shown, view=view, errors=error.errors, status=422)
    except SourceError as error:
        more["failed"] = error
    return _form(request, about, shown, view=view, more=more)


def _form(
    request: HttpRequest,
    about: SourceType,
    values: dict[str, Any],
    *,
    view: selectors.SourceView | None = None,
    errors: dict[str, str] | None = None,
    more: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    errors = errors or {}
    choices = {"connection": _connections(about)} if about.product else {}
    hidden = ["type", *([] if about.people or not about.product else ["people"])]
    context = {
        "about": about,
        "view": view,
        "name": values.get("name", ""),
        "name_error": errors.get("name", ""),
        "sections": form_sections(
            about.model, values, errors, hidden=hidden, kept=view.stored_secrets if view else (), choices=choices
        ),
        "errors": errors,
        **(more or {}),
    }
    return render(request, "sources/form.html", context, status=status)


def _connections(about: SourceType) -> list[tuple[str, str]]:
    return [(one.name, f"{one.name} ({one.host})") for one in hosts() if one.product == about.product]


def _free_name(type_: str) -> str:
    taken = set(selectors.source_names())
    return next(name for n in range(1, 1000) if (name := type_ if n == 1 else f"{type_}-{n}") not in taken)
