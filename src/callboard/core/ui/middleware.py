"""Guard every answer: errors become designed pages, browsers are told what pages may do."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from callboard.core.ui.errors import answer_exception, fault

Handler = Callable[[HttpRequest], HttpResponseBase]

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")

POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: https:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""Pages run and load what the portal itself serves; pictures may come from elsewhere, as avatars do."""

_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
}


class ErrorBoundary:
    """Give every request an id, and turn what was raised into an answer that helps.

    It stands outermost, so that nothing else may answer without an id.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, whatever happens inside."""
        given = str(request.META.get("HTTP_X_REQUEST_ID", ""))
        number = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
        # Whoever looks at the header further in must find the same id.
        request.META["HTTP_X_REQUEST_ID"] = number
        request.request_id = number  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=number):
            try:
                response = self.get_response(request)
            except Exception as error:  # noqa: BLE001 - the last place that can still answer
                response = answer_exception(request, error) or fault(request, error)
        response["X-Request-Id"] = number
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer what a view raised on purpose."""
        return answer_exception(request, error)


class SecurityHeaders:
    """Send the content security policy and its relatives; a view that set its own keeps it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the headers."""
        response = self.get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            # The same address answers a whole page or a part, and something else for each person.
            patch_vary_headers(response, ("HX-Request", "HX-History-Restore-Request", "Cookie"))
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response
