"""Mount the pages of all plugins, and what the shell itself answers: the palette and the theme."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from callboard.core.auth.http_errors import ApiError, InputError
from callboard.core.auth.models import User
from callboard.core.auth.principal import ANONYMOUS, Principal
from callboard.core.auth.services import set_theme
from callboard.core.permissions.decision import NotAllowedError
from callboard.core.permissions.services import decide
from callboard.core.registry.contract import Page
from callboard.core.registry.store import registry
from callboard.core.ui.context import THEME_COOKIE, THEMES
from callboard.core.ui.errors import (
    DATABASE_DOWN,
    Action,
    ErrorPage,
    error_page,
    fault_page,
    home,
    request_id,
    to_sign_in,
)
from callboard.core.ui.palette import palette_groups
from callboard.core.ui.rendering import htmx, render

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
# What views raise on purpose; the error boundary and Django's handlers know what to answer.
_ON_PURPOSE = (
    Http404,
    PermissionDenied,
    NotAllowedError,
    SuspiciousOperation,
    ApiError,
    *DATABASE_DOWN,
)
_YEAR = 365 * 86400


def urlpatterns() -> list[URLPattern]:
    """Answer the addresses of every page of every loaded plugin, and the shell's own.

    Pages of plugins that are off stay mounted, so that switching needs no restart and their address
    says why there is nothing.
    """
    patterns = [path("palette", palette, name="palette"), path("theme", choose_theme, name="theme")]
    for plugin, page in registry.every(Page):
        try:
            patterns.append(path(page.path, mounted(plugin, page), name=page.name))
        except (ImproperlyConfigured, TypeError, ValueError) as error:
            log.warning("page %s of plugin %s cannot be mounted: %s", page.id, plugin, error)
    return patterns


def mounted(plugin: str, page: Page) -> View:
    """Wrap a page's view: is the plugin on, is somebody there, may they; a fault takes down itself alone."""

    @wraps(page.view)
    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        if not registry.is_enabled(plugin):
            return switched_off(request, plugin)
        who = _who(request)
        if not page.anonymous and not who.signed_in:
            return to_sign_in(request)
        if page.permission:
            decision = decide(page.permission, who)
            if decision.result == "deny":
                raise NotAllowedError(page.permission, decision.reason, signed_in=who.signed_in)
        on_purpose: Exception | None = None
        try:
            with registry.guard(page):
                try:
                    return _answer(page.view(request, **arguments))
                except _ON_PURPOSE as error:
                    on_purpose = error
        except Exception as error:
            log.exception("page %s failed in request %s", page.id, request_id(request))
            return error_page(request, fault_page(request, error))
        raise on_purpose

    return view


def _answer(response: Any) -> HttpResponseBase:
    # Templates that are rendered later would fail outside of the guard.
    if hasattr(response, "render") and callable(response.render):
        response = response.render()
    if not isinstance(response, HttpResponseBase):
        raise TypeError(f"the view answered {type(response).__name__}, which is not a response")
    return response


def _who(request: HttpRequest) -> Principal:
    return getattr(request, "principal", None) or ANONYMOUS


def switched_off(request: HttpRequest, plugin: str) -> HttpResponse:
    """Answer 404 and say that the plugin behind the address is off."""
    title = next((p.plugin.manifest.title for p in registry.plugins() if p.plugin.name == plugin), plugin)
    actions = [home()]
    if _who(request).administrator:
        actions.insert(0, Action(gettext("Plugins"), "/admin/plugins"))
    return error_page(
        request,
        ErrorPage(
            404,
            gettext("This is switched off"),
            gettext("The page belongs to the plugin %(title)s, which is switched off.") % {"title": title},
            icon="plug-off",
            remedy=gettext("An administrator can switch it on under Plugins. Nothing it kept is lost."),
            actions=tuple(actions),
        ),
    )


@require_GET
def palette(request: HttpRequest) -> HttpResponse:
    """Answer what the command palette shows for ``q``."""
    if not _who(request).signed_in:
        return to_sign_in(request)
    text = request.GET.get("q", "").strip()[:200]
    groups = palette_groups(request, text)
    return render(request, "callboard/_palette_list.html", {"groups": groups, "text": text})


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember how this browser, and the account, wants the portal to look."""
    theme = request.POST.get("theme", "")
    if theme not in THEMES:
        raise InputError(gettext("Choose auto, light or dark."))
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        set_theme(cast("User", user), theme)
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    response = HttpResponse(status=204) if htmx(request) else HttpResponseRedirect(back)
    response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response
