"""Pages of source hosts: the list, and the form that makes, changes and tests a connection."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callboard.plugins.hosts import selectors
from callboard.plugins.hosts.services import connections as verbs
from callboard.plugins.hosts.settings import ConnectionSettings
from callboard.plugins.hosts.types.products import BY_NAME, PRODUCTS, Product
from callboard.sdk.permissions import require
from callboard.sdk.ui import form_sections, read_form, render

_ALWAYS_HIDDEN = ("product",)


@require_safe
def host_list(request: HttpRequest) -> HttpResponse:
    """Show every connection with its state."""
    require(verbs.MANAGE)
    return render(request, "hosts/hosts.html", {"states": selectors.states(), "products": PRODUCTS})


@require_http_methods(["GET", "POST"])
def host_new(request: HttpRequest, product: str) -> HttpResponse:
    """Ask for a connection; try it or make it."""
    require(verbs.MANAGE)
    about = _product(product)
    free = _free_name(product)
    if request.method != "POST":
        return _form(request, about, {"name": free})
    values = read_form(ConnectionSettings, request.POST, hidden=_hidden(about)) | {"product": about.name}
    name = request.POST.get("name", "").strip() or free
    try:
        if "test" in request.POST:
            return _form(request, about, {"name": name, **values}, tested=verbs.try_connection(values))
        tested = verbs.try_connection(values)
        if not tested.ok and "anyway" not in request.POST:
            return _form(request, about, {"name": name, **values}, tested=tested, offer=True, status=422)
        verbs.create_connection(name, values)
    except verbs.ConnectionInvalidError as error:
        return _form(request, about, {"name": name, **values}, errors=error.errors, status=422)
    if tested.ok:
        verbs.check_connection(name)
    messages.success(request, _("%(name)s is connected.") % {"name": name})
    onward = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(onward, None):
        return redirect(f"{onward}?{urlencode({'connection': name})}")
    return redirect("host", name=name)


@require_http_methods(["GET", "POST"])
def host_detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show a connection and change it."""
    require(verbs.MANAGE)
    state = selectors.state_of(name)
    if state is None:
        raise Http404(_("There is no such connection; somebody may have removed it."))
    about = state.host.about
    shown = {"name": name, "url": state.host.url, "private": state.host.private, **state.host.options}
    if request.method != "POST":
        return _form(request, about, shown, state=state)
    values = read_form(ConnectionSettings, request.POST, hidden=_hidden(about))
    try:
        if "test" in request.POST:
            return _form(request, about, {**shown, **values}, state=state, tested=verbs.try_connection(values, name))
        verbs.change_connection(name, values)
    except verbs.ConnectionInvalidError as error:
        return _form(request, about, {**shown, **values}, state=state, errors=error.errors, status=422)
    except verbs.ConnectionMissingError:
        raise Http404(_("This connection stands in callboard.yaml; change it there.")) from None
    messages.success(request, _("Saved."))
    return redirect("host", name=name)


@require_POST
def host_action(request: HttpRequest, name: str, action: str) -> HttpResponse:
    """Test or remove a connection."""
    try:
        if action == "test":
            found = verbs.check_connection(name)
            if found.ok:
                login = found.account.login if found.account else ""
                messages.success(request, _("Signed in as %(who)s.") % {"who": login})
            else:
                messages.error(request, f"{found.message} {found.remedy}", extra_tags="danger")
        elif action == "delete":
            verbs.delete_connection(name)
            messages.success(request, _("The connection was removed."))
            return redirect("hosts")
        else:
            raise Http404(_("Connections know no such action."))
    except verbs.ConnectionMissingError:
        raise Http404(_("There is no such connection; somebody may have removed it.")) from None
    return redirect("host", name=name)


def _form(
    request: HttpRequest,
    about: Product,
    values: dict[str, Any],
    *,
    state: selectors.HostState | None = None,
    errors: dict[str, str] | None = None,
    tested: verbs.Tested | None = None,
    offer: bool = False,
    status: int = 200,
) -> HttpResponse:
    errors = errors or {}
    kept = []
    if state is not None:
        kept += ["token", "app_key"] if state.host.has_credentials else []
        kept += ["webhook_secret"] if state.host.has_webhook_secret else []
    onward = request.POST.get("next") or request.GET.get("next", "")
    url = str(values.get("url") or about.url).rstrip("/")
    context = {
        "about": about,
        "state": state,
        "name": values.get("name", ""),
        "name_error": errors.get("name", ""),
        "sections": form_sections(ConnectionSettings, values, errors, hidden=_hidden(about), kept=kept),
        "tested": tested,
        "offer": offer,
        "next": onward,
        "token_url": about.token_url.format(url=url)
        if about.token_url and (url or "{url}" not in about.token_url)
        else "",
        "hook_url": request.build_absolute_uri(f"/api/events/http/{values.get('name', '')}"),
    }
    return render(request, "hosts/host.html", context, status=status)


def _hidden(about: Product) -> tuple[str, ...]:
    hidden = [*_ALWAYS_HIDDEN]
    if not about.app:
        hidden += ["app_id", "app_key"]
    if not about.username_help:
        hidden.append("username")
    if about.name in ("gerrit", "git"):
        hidden.append("webhook_secret")
    return tuple(hidden)


def _product(name: str) -> Product:
    if name not in BY_NAME:
        raise Http404(_("There is no such product."))
    return BY_NAME[name]  # type: ignore[index]


def _free_name(product: str) -> str:
    taken = {one.name for one in selectors.hosts()}
    return next(name for n in range(1, 1000) if (name := product if n == 1 else f"{product}-{n}") not in taken)
