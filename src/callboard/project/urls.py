"""All addresses of the portal: health, APIs of the plugins, sign-in and pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI

from callboard.core.permissions.conditions_api import PATH as PERMISSIONS_PATH
from callboard.core.permissions.conditions_api import conditions_router
from callboard.core.registry.contract import ApiRouter
from callboard.core.registry.store import registry
from callboard.core.ui.pages import urlpatterns as page_patterns
from callboard.project import health
from callboard.project.version import __version__
from callboard.sdk.api import error_response, install_error_handlers

handler400 = "callboard.core.ui.errors.bad_request"
handler403 = "callboard.core.ui.errors.permission_denied"
handler404 = "callboard.core.ui.errors.page_not_found"
handler500 = "callboard.core.ui.errors.server_error"


class PluginApi(NinjaAPI):
    """The API of one plugin, with an OpenAPI document of its own."""

    def create_response(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer as ninja does; overridden only to keep the type narrow."""
        response: HttpResponse = super().create_response(request, *args, **kwargs)
        return response

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:
        """Answer the document, with the answer that any operation may give when something is wrong."""
        schema = super().get_openapi_schema(*args, **kwargs)
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"].setdefault("default", ANY_ERROR)
        return schema


ANY_ERROR = {
    "description": "What went wrong, as `error.name` and `error.message`; OAuth and SCIM prescribe forms of their own.",
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "application/scim+json": {"schema": {"type": "object"}},
    },
}


def _api_patterns() -> list[URLPattern | URLResolver]:
    patterns: list[URLPattern | URLResolver] = []
    for plugin, contribution in registry.every(ApiRouter):
        api = PluginApi(
            title=f"Callboard {contribution.title}",
            version=__version__,
            description=contribution.description,
            urls_namespace=f"api-{contribution.prefix}",
            openapi_url="/openapi.json",
            docs_url=None,
        )
        install_error_handlers(api)
        api.add_router("", contribution.router)
        api.add_router(PERMISSIONS_PATH, conditions_router(plugin))
        inner, app_name, namespace = api.urls
        for pattern in inner:
            pattern.callback = _while_on(plugin, pattern.callback)
        patterns.append(path(f"api/{contribution.prefix}/", (inner, app_name, namespace)))
    return patterns


def _while_on(plugin: str, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 503 instead of the view while the plugin is switched off."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not registry.is_enabled(plugin):
            message = f"The plugin {plugin} is switched off; an administrator can switch it on."
            return error_response(request, "ServiceUnavailableError", message, 503)
        return view(request, *args, **kwargs)

    return guarded


def _unknown_api(request: HttpRequest, rest: str = "") -> HttpResponse:  # noqa: ARG001 - Django hands it over
    return error_response(request, "NotFoundError", f"There is no API at {request.path}", 404)


urlpatterns = [
    path(".backstage/health/v1/readiness", health.readiness),
    path(".backstage/health/v1/liveness", health.liveness),
    path("healthz", health.liveness),
    path("metrics", health.metrics),
    *_api_patterns(),
    path("api/<path:rest>", _unknown_api),
    *page_patterns(),
]
