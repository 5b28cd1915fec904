"""Answer errors: a designed page for people, the one JSON body for programs, always with a way on."""

from __future__ import annotations

import logging
import sys
import traceback
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import loader
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape
from django.utils.translation import gettext

from callboard.core.auth.http_errors import NAMES, ApiError, error_response
from callboard.core.config.current import portal_config
from callboard.core.permissions.decision import NotAllowedError
from callboard.core.permissions.http_errors import not_allowed_response
from callboard.core.permissions.services import decide
from callboard.core.registry.contract import Page
from callboard.core.registry.store import registry
from callboard.core.ui.rendering import htmx

log = logging.getLogger(__name__)

API = "/api/"
DATABASE_DOWN: tuple[type[Exception], ...] = (OperationalError, InterfaceError)
RETRY_SECONDS = 5


@dataclass(frozen=True)
class Action:
    """A way on from an error page."""

    text: str
    url: str
    boost: bool = True


@dataclass(frozen=True)
class ErrorPage:
    """What an error page says: what happened, why, what to do."""

    status: int
    title: str
    text: str
    icon: str = "alert-circle"
    reason: str = ""
    remedy: str = ""
    actions: tuple[Action, ...] = ()
    request_id: str = ""
    detail: str = ""


@dataclass(frozen=True)
class BareShell:
    """The frame without anything that needs the database."""

    name: str
    theme: str
    frame: str = "callboard/base.html"
    collapsed: bool = False


def error_page(request: HttpRequest, page: ErrorPage, *, bare: bool = False) -> HttpResponse:
    """Answer an error inside the shell; without it where the shell itself cannot be drawn."""
    if not bare:
        try:
            html = loader.render_to_string("callboard/error.html", {"error": page}, request)
            return HttpResponse(html, status=page.status)
        except Exception:
            log.exception("the shell of an error page could not be drawn")
    try:
        theme = request.COOKIES.get("callboard_theme", "auto")
        shell = BareShell(portal_config().organisation.name, theme if theme in {"light", "dark"} else "auto")
        html = loader.render_to_string("callboard/error_plain.html", {"error": page, "shell": shell})
    except Exception:
        log.exception("an error page could not be drawn")
        html = _last_resort(page)
    return HttpResponse(html, status=page.status)


def _last_resort(page: ErrorPage) -> str:
    said = " ".join(part for part in (page.text, page.reason, page.remedy) if part)
    number = f"<p>{escape(page.request_id)}</p>" if page.request_id else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(page.title)}</title>'
        f"<h1>{escape(page.title)}</h1><p>{escape(said)}</p>{number}</html>"
    )


def is_api(request: HttpRequest) -> bool:
    """Whether a program asks."""
    return request.path_info.startswith(API)


def home() -> Action:
    """The way to the first page."""
    return Action(gettext("Go to the first page"), "/")


def answer_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Answer what a view raised, or nothing for what Django's own handlers know better."""
    if isinstance(error, NotAllowedError):
        return not_allowed(request, error)
    if isinstance(error, ApiError):
        return api_error(request, error)
    if isinstance(error, DATABASE_DOWN):
        return database_down(request, error)
    return None


def not_allowed(request: HttpRequest, error: NotAllowedError) -> HttpResponse:
    """Answer 403 with the reason; nobody is asked to sign in first."""
    if is_api(request):
        return not_allowed_response(request, error)
    if not error.signed_in:
        return to_sign_in(request)
    return error_page(
        request,
        ErrorPage(
            403,
            gettext("You may not do this"),
            gettext("Your account does not have the permission this needs."),
            icon="lock",
            reason=f"{error.reason} ({error.permission})",
            remedy=gettext("Ask an administrator of the portal, or the owner of what you wanted to change."),
            actions=(*_ask_for_access(request, error), home()),
        ),
    )


def _ask_for_access(request: HttpRequest, error: NotAllowedError) -> tuple[Action, ...]:
    """Answer the way to ask for what was refused, where a room that is on offers one and the caller may use it."""
    page = next((page for page in registry.of(Page) if page.name == "access-ask"), None)
    if page is None or (page.permission and decide(page.permission).result == "deny"):
        return ()
    back = request.get_full_path() if request.method == "GET" else ""
    query = urlencode({"permission": error.permission, **({"page": back} if back else {})})
    return (Action(gettext("Ask for access"), f"{reverse(page.name)}?{query}"),)


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send nobody to the sign-in page, and from there back to where they wanted to go."""
    try:
        address = reverse(settings.LOGIN_URL)
    except NoReverseMatch:
        address = "/sign-in"
    back = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    target = address if back == "/" else f"{address}?next={quote(back, safe='/')}"
    if htmx(request):
        response = HttpResponse(status=200)
        response["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)


def api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    """Answer an error that has a name and a status of its own."""
    if is_api(request):
        return error_response(request, error.name, error.message, error.status, **error.more)
    if error.status == 401:
        return to_sign_in(request)
    return error_page(
        request,
        ErrorPage(error.status, _title(error.status), error.message, icon=_icon(error.status), actions=(home(),)),
    )


def database_down(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 503: the database does not answer."""
    log.error("the database does not answer: %s", error)
    if is_api(request):
        response = error_response(
            request, "ServiceUnavailableError", "The database does not answer; try again shortly", 503
        )
    else:
        response = error_page(
            request,
            ErrorPage(
                503,
                gettext("The portal is not ready"),
                gettext("Its database does not answer. Nothing is lost; try again in a few seconds."),
                icon="database-off",
                remedy=gettext("If this lasts, an administrator finds out more with `callboard doctor`."),
                actions=(Action(gettext("Try again"), request.get_full_path(), boost=False),),
                request_id=request_id(request),
            ),
            bare=True,
        )
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def request_id(request: HttpRequest) -> str:
    """Answer the id of the request."""
    return getattr(request, "request_id", "")


# --- Handlers of the URL configuration ------------------------------------------


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400; what exactly was wrong stands in the log, because it may be an attack."""
    log.warning("bad request: %s", exception)
    if is_api(request):
        return error_response(request, "InputError", "The request is not valid", 400)
    text = gettext("The address or the form holds something that cannot be right.")
    return error_page(request, ErrorPage(400, _title(400), text, icon=_icon(400), actions=(home(),)), bare=True)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    reason = str(exception or "")
    if is_api(request):
        return error_response(request, "NotAllowedError", reason or "You may not do this", 403)
    text = gettext("Your account does not have the permission this needs.")
    return error_page(request, ErrorPage(403, _title(403), text, icon=_icon(403), reason=reason, actions=(home(),)))


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404; the message of whoever raised it is shown, a list of addresses never."""
    said = exception.args[0] if isinstance(exception, Http404) and exception.args else ""
    reason = said if isinstance(said, str) else ""
    if is_api(request):
        return error_response(request, "NotFoundError", reason or f"There is nothing at {request.path}", 404)
    text = gettext("There is nothing at this address, or nothing that you may see.")
    return error_page(
        request,
        ErrorPage(
            404,
            _title(404),
            text,
            icon=_icon(404),
            reason=reason,
            remedy=gettext("Press / to search for what you wanted."),
            actions=(home(),),
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 where the database is the reason."""
    error = sys.exc_info()[1]
    if isinstance(error, DATABASE_DOWN):
        return database_down(request, error)
    return fault(request, error if isinstance(error, Exception) else None)


def fault(request: HttpRequest, error: Exception | None) -> HttpResponse:
    """Answer 500: a mistake of the portal's own. People get the id under which the log says more."""
    number = request_id(request)
    if error is not None:
        log.error("request %s failed: %s %s", number, request.method, request.path, exc_info=error)
    if is_api(request):
        message = f"Something went wrong in the portal; its log says more under request {number}"
        return error_response(request, "Error", message, 500)
    return error_page(request, fault_page(request, error), bare=not htmx(request))


def fault_page(request: HttpRequest, error: Exception | None) -> ErrorPage:
    """Answer what the page of a fault says."""
    return ErrorPage(
        500,
        _title(500),
        gettext("This is a mistake of the portal, not yours. The rest of it goes on working."),
        icon="bug",
        remedy=gettext("If it happens again, tell an administrator the number below: the log says more under it."),
        actions=(Action(gettext("Try again"), request.get_full_path(), boost=False), home()),
        request_id=request_id(request),
        detail="".join(traceback.format_exception(error)) if settings.DEBUG and error else "",
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that did not come from a page of this portal, or came from one that is too old."""
    if is_api(request):
        message = f"{reason} Send the X-CSRFToken header, or use an API token instead of the session."
        return error_response(request, "NotAllowedError", message, 403)
    return error_page(
        request,
        ErrorPage(
            403,
            gettext("This form is out of date"),
            gettext("It was opened before you signed in or out, or your browser does not keep cookies."),
            icon="shield-x",
            reason=reason if settings.DEBUG else "",
            remedy=gettext("Go back, load the page again and send the form once more. Nothing was changed."),
            actions=(home(),),
        ),
        bare=not htmx(request),
    )


def _title(status: int) -> str:
    titles: dict[int, Any] = {
        400: gettext("That cannot be read"),
        403: gettext("You may not do this"),
        404: gettext("There is nothing here"),
        409: gettext("That collides with what is there"),
        500: gettext("Something went wrong"),
        503: gettext("Not right now"),
    }
    return str(titles.get(status) or NAMES.get(status) or gettext("Something went wrong"))


def _icon(status: int) -> str:
    return {400: "file-x", 403: "lock", 404: "map-off", 409: "git-merge", 503: "clock-pause"}.get(status, "bug")
