"""Build HTTP APIs: a router that asks who is calling, and the errors that clients know."""

from __future__ import annotations

from typing import Any

from ninja import Router

from callboard.core.auth.api_auth import SessionAuth, TokenAuth, caller_of, signed_in
from callboard.core.auth.http_errors import (
    NAMES,
    ApiError,
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    ServiceUnavailableError,
    error_body,
    error_response,
)
from callboard.core.permissions.http_errors import install_error_handlers, not_allowed_response


def router(**options: Any) -> Router:
    """Answer a router for an ``ApiRouter`` contribution; without a caller it answers 401.

    ``auth=None`` opens it to everybody.
    """
    options.setdefault("auth", signed_in())
    return Router(**options)


__all__ = [
    "NAMES",
    "ApiError",
    "AuthenticationError",
    "ConflictError",
    "ForbiddenError",
    "InputError",
    "NotFoundError",
    "ServiceUnavailableError",
    "SessionAuth",
    "TokenAuth",
    "caller_of",
    "error_body",
    "error_response",
    "install_error_handlers",
    "not_allowed_response",
    "router",
    "signed_in",
]
