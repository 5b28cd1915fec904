"""Tell django-ninja who is calling: by bearer token, or by the session of the browser."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from callboard.core.auth.principal import Principal


def caller_of(request: HttpRequest) -> Principal:
    """Answer who sent the request."""
    return cast("Principal", request.principal)  # type: ignore[attr-defined]


class TokenAuth(HttpBearer):
    """An API token; the middleware has checked it already."""

    def __call__(self, request: HttpRequest) -> Principal | None:
        """Answer the caller, or nothing."""
        return caller_of(request) if getattr(request, "by_token", False) else None

    def authenticate(self, request: HttpRequest, token: str) -> Principal | None:  # noqa: ARG002 - as ninja calls it
        """Answer the caller, or nothing; the middleware knows the token."""
        return self(request)


class SessionAuth(APIKeyCookie):
    """A signed-in browser, or a guest; the middleware has checked the CSRF token already."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Principal | None:
        """Answer the caller, or nothing."""
        who = caller_of(request)
        return who if who.signed_in and not getattr(request, "by_token", False) else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Principal | None:  # noqa: ARG002 - as ninja calls it
        """Answer the caller, or nothing; the middleware knows the session."""
        return self(request)


def signed_in() -> list[TokenAuth | SessionAuth]:
    """Answer the ``auth=`` of a router that asks for a caller."""
    return [TokenAuth(), SessionAuth()]
