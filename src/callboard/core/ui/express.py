"""Answer the API reads that are asked most before anything that only browsers and rare cases need."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from callboard.core.auth.middleware import API, bearer_of, caller_by_bearer, request_id_of
from callboard.core.auth.principal import act_as
from callboard.core.auth.token_check import TokenRefusedError
from callboard.core.registry.contract import ApiRouter, ExpressRead
from callboard.core.registry.store import registry
from callboard.core.ui.middleware import Handler, SecurityHeaders

log = logging.getLogger(__name__)

JSON = "application/json; charset=utf-8"


class Express:
    """Ask the plugin of an API whether it can answer at once; what it leaves goes the long way.

    Token, permissions and headers are those of the long way. It answers good requests alone: whatever is
    refused, unknown or out of the ordinary is for the long way to answer.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._reads = {
            router.prefix: (plugin, router.express)
            for plugin, router in registry.every(ApiRouter)
            if router.express is not None
        }
        self._headers: dict[bool, dict[str, str]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer at once, or hand the request on."""
        if request.path_info.startswith(API):
            response = self._at_once(request)
            if response is not None:
                return response
        return self.get_response(request)

    def _at_once(self, request: HttpRequest) -> HttpResponse | None:
        prefix, _, path = request.path_info[len(API) :].partition("/")
        plugin, read = self._reads.get(prefix, ("", None))
        secret = bearer_of(request)
        if read is None or not secret or not registry.is_enabled(plugin):
            return None
        try:
            request.get_host()
            who = caller_by_bearer(secret)
        except (DisallowedHost, TokenRefusedError):
            return None
        if who.restrictions is not None:
            return None
        request_id = request_id_of(request)
        with act_as(who, "api", request_id):
            answer = self._asked(read, request, path)
        if answer is None:
            return None
        response = answer if isinstance(answer, HttpResponse) else HttpResponse(answer, content_type=JSON)
        for name, value in self._all_headers(request).items():
            response.headers[name] = value
        response.headers["X-Request-ID"] = request_id
        return response

    def _asked(self, read: ExpressRead, request: HttpRequest, path: str) -> str | bytes | HttpResponse | None:
        try:
            body = request.body if request.method == "POST" else b""
            answer: str | bytes | HttpResponse | None = read(
                request.method or "", path, request.META.get("QUERY_STRING", ""), body
            )
        except Exception:
            log.debug("no answer at once: %s", request.path_info, exc_info=True)
            return None
        return answer

    def _all_headers(self, request: HttpRequest) -> dict[str, str]:
        """Answer the headers that the middleware of the long way adds to every answer."""
        secure = request.is_secure()
        if secure not in self._headers:
            answer: Any = SecurityHeaders(lambda _request: HttpResponse(content_type=JSON))(request)
            for middleware in (SecurityMiddleware, XFrameOptionsMiddleware):
                answer = middleware(lambda _request: HttpResponse()).process_response(request, answer)
            self._headers[secure] = {name: value for name, value in answer.items() if name != "Content-Type"}
        return self._headers[secure]
