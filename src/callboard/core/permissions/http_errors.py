"""Turn every error of an API into the one body that clients know."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError as NinjaAuthenticationError
from ninja.errors import HttpError, ValidationError

from callboard.core.auth.http_errors import NAMES, ApiError, error_response
from callboard.core.permissions.decision import NotAllowedError

log = logging.getLogger(__name__)


def install_error_handlers(api: NinjaAPI) -> None:
    """Make an API answer errors in the portal's form; a fault of our own says nothing but its request id."""

    @api.exception_handler(ApiError)
    def known(request: HttpRequest, error: ApiError) -> HttpResponse:
        return error_response(request, error.name, error.message, error.status, **error.more)

    @api.exception_handler(NotAllowedError)
    def not_allowed(request: HttpRequest, error: NotAllowedError) -> HttpResponse:
        return not_allowed_response(request, error)

    @api.exception_handler(NinjaAuthenticationError)
    def nobody(request: HttpRequest, _error: NinjaAuthenticationError) -> HttpResponse:
        return error_response(
            request,
            "AuthenticationError",
            "Nobody is signed in: send an API token as `Authorization: Bearer <token>`",
            401,
        )

    @api.exception_handler(ValidationError)
    def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return error_response(request, "InputError", _sentences(error.errors), 400)

    @api.exception_handler(HttpError)
    def other(request: HttpRequest, error: HttpError) -> HttpResponse:
        status = error.status_code
        return error_response(request, NAMES.get(status, "Error"), str(error), status)

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return error_response(request, "NotFoundError", str(error) or "There is nothing here", 404)

    @api.exception_handler(PermissionDenied)
    def denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return error_response(request, "NotAllowedError", str(error) or "You may not do this", 403)

    @api.exception_handler(Exception)
    def fault(request: HttpRequest, error: Exception) -> HttpResponse:
        request_id = getattr(request, "request_id", "")
        log.error("an API call failed: %s %s", request.method, request.path, exc_info=error)
        message = f"Something went wrong in the portal; its log says more under request {request_id}"
        return error_response(request, "Error", message, 500)


def not_allowed_response(request: HttpRequest, error: NotAllowedError) -> HttpResponse:
    """Answer 401 to nobody, 403 to somebody who may not."""
    if error.signed_in:
        return error_response(request, "NotAllowedError", str(error), 403)
    message = "Nobody is signed in: send an API token as `Authorization: Bearer <token>`"
    return error_response(request, "AuthenticationError", message, 401)


def _sentences(errors: list[dict[str, Any]]) -> str:
    said = []
    for item in errors[:10]:
        place = ".".join(str(part) for part in item.get("loc", ()))
        said.append(f"{place}: {item.get('msg', 'is not valid')}" if place else str(item.get("msg", "")))
    return "; ".join(said) or "The request is not valid"
