"""Find out who is calling, before anything else asks."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from callboard.core.auth import tokens
from callboard.core.auth.external_tokens import ExternalTokenError, caller_by_external_token
from callboard.core.auth.guests import GUEST, is_guest
from callboard.core.auth.http_errors import error_response
from callboard.core.auth.identity_tokens import IdentityTokenError, caller_by_identity_token, looks_like_jwt
from callboard.core.auth.models import User
from callboard.core.auth.people import principal_of
from callboard.core.auth.principal import ANONYMOUS, Door, Principal, act_as
from callboard.core.auth.sessions import note_session
from callboard.core.auth.token_check import TokenRefusedError, caller_by_token
from callboard.core.registry.contract import ApiRouter
from callboard.core.registry.store import registry

API = "/api/"
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Caller:
    """Set ``request.principal`` and act as it while the request is answered.

    A bearer token on the API decides alone: a bad one is refused, never replaced by the session of the
    same browser, and a good one needs neither the session nor a CSRF token, because browsers do not send
    it by themselves. Everywhere else the session decides.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request on behalf of whoever sent it."""
        request_id = request_id_of(request)
        call = cast("Any", request)
        call.request_id = request_id
        call.by_token = False
        is_api = request.path_info.startswith(API)
        secret = bearer_of(request) if is_api else None
        if secret is None:
            call.principal = caller_by_session(request)
        else:
            try:
                call.principal = caller_by_bearer(secret)
            except TokenRefusedError as refused:
                response: HttpResponseBase = error_response(request, "AuthenticationError", str(refused), 401)
                response["X-Request-ID"] = request_id
                return response
            call.by_token = True
            if not _within_restrictions(call.principal, request.path_info):
                message = "the access restrictions of this token do not cover this API"
                response = error_response(request, "NotAllowedError", message, 403)
                response["X-Request-ID"] = request_id
                return response
            call._dont_enforce_csrf_checks = True  # noqa: SLF001 - Django's own switch for this case
        door: Door = "api" if is_api else "ui"
        with act_as(call.principal, door, request_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Keep CSRF protection on the API for sessions, whatever the view says of itself."""
        call = cast("Any", request)
        if not request.path_info.startswith(API) or request.method in _SAFE or call.by_token:
            return None
        if not call.principal.signed_in or getattr(request, "_dont_enforce_csrf_checks", False):
            return None
        reason = _Csrf(_nothing).process_view(request, _nothing, (), {})
        if reason is None:
            return None
        message = f"{reason} Send the X-CSRFToken header, or use an API token instead of the session."
        return error_response(request, "NotAllowedError", message, 403)


class _Csrf(CsrfViewMiddleware):
    def _reject(self, _request: HttpRequest, reason: str) -> Any:
        return reason


def _nothing(_request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    return HttpResponse()


def request_id_of(request: HttpRequest) -> str:
    """Answer the id the proxy gave the request, if it is harmless, or a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.match(given) else uuid.uuid4().hex


def bearer_of(request: HttpRequest) -> str | None:
    """Answer the bearer token of a request (possibly an empty one), or nothing when it sends none."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def caller_by_session(request: HttpRequest) -> Principal:
    """Answer whom the session of this browser stands for."""
    user = request.user
    if user.is_authenticated and not all(check(request) for check in _session_checks):
        request.session.flush()
        request.user = user = AnonymousUser()
    if user.is_authenticated:
        note_session(request, cast("User", user))
        return principal_of(cast("User", user))
    return GUEST if is_guest(request) else ANONYMOUS


def caller_by_bearer(secret: str) -> Principal:
    """Answer whom a bearer token stands for, whichever kind it is; raises :class:`TokenRefusedError`."""
    if not secret.startswith(tokens.PREFIX):
        try:
            external = caller_by_external_token(secret)
            if external is not None:
                return external
            if looks_like_jwt(secret):
                return caller_by_identity_token(secret)
        except (ExternalTokenError, IdentityTokenError) as error:
            raise TokenRefusedError(str(error)) from error
    return caller_by_token(secret)


def _within_restrictions(who: Principal, path: str) -> bool:
    if who.restrictions is None:
        return True
    prefix = path.removeprefix(API).partition("/")[0]
    owner = next((plugin for plugin, router in registry.every(ApiRouter) if router.prefix == prefix), "")
    # Asking what one may do is for everybody; the answers keep to the restrictions.
    return prefix == "permission" or any(limit.plugin == owner for limit in who.restrictions)


SessionCheck = Callable[[HttpRequest], bool]
_session_checks: list[SessionCheck] = []


def use_session_check(check: SessionCheck) -> None:
    """Let ``check`` look at every request of a signed-in browser; answering no ends the session."""
    if check not in _session_checks:
        _session_checks.append(check)
