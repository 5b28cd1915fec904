"""Errors of the HTTP API: the names, statuses and the one body that clients know."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse


class ApiError(Exception):
    """An answer other than success. ``name`` and ``status`` are what clients of the API look at."""

    name = "Error"
    status = 500

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.message = message
        self.more = more


class InputError(ApiError):
    """The request itself is wrong."""

    name = "InputError"
    status = 400


class AuthenticationError(ApiError):
    """Nobody is known to be calling."""

    name = "AuthenticationError"
    status = 401


class ForbiddenError(ApiError):
    """The caller may not do this."""

    name = "NotAllowedError"
    status = 403


class NotFoundError(ApiError):
    """There is no such thing, or none that the caller may see."""

    name = "NotFoundError"
    status = 404


class ConflictError(ApiError):
    """It collides with what is there."""

    name = "ConflictError"
    status = 409


class ServiceUnavailableError(ApiError):
    """It cannot be done right now."""

    name = "ServiceUnavailableError"
    status = 503


NAMES = {
    304: "NotModifiedError",
    400: "InputError",
    401: "AuthenticationError",
    403: "NotAllowedError",
    404: "NotFoundError",
    409: "ConflictError",
    501: "NotImplementedError",
    503: "ServiceUnavailableError",
}
"""Error name by status; anything else is plainly an ``Error``."""


def error_body(request: HttpRequest, name: str, message: str, status: int, **more: Any) -> dict[str, Any]:
    """Answer the body of an error; ``more`` adds fields such as ``code`` to its ``error`` object."""
    return {
        "error": {"name": name, "message": message, **more},
        "request": {"method": request.method or "", "url": request.get_full_path()},
        "response": {"statusCode": status},
    }


def error_response(request: HttpRequest, name: str, message: str, status: int, **more: Any) -> HttpResponse:
    """Answer an error as the response itself."""
    response = JsonResponse(error_body(request, name, message, status, **more), status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="callboard"'
    return response
