"""Answer pages and parts of pages, and tell people what came of what they did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.urls import reverse
from django.utils.safestring import SafeString

Tone = Literal["success", "info", "warning", "danger"]

_LEVELS = {
    "success": messages.SUCCESS,
    "info": messages.INFO,
    "warning": messages.WARNING,
    "danger": messages.ERROR,
}


def render(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Answer a page; requests of htmx get the part of it that changes.

    Forms that came back with mistakes are answered with status 422, which htmx shows like any page.
    """
    return HttpResponse(loader.render_to_string(template, dict(context or {}), request), status=status)


def render_to_string(
    template: str, context: Mapping[str, Any] | None = None, request: HttpRequest | None = None
) -> SafeString:
    """Answer HTML that is safe to show, for cards, tabs and widgets."""
    return loader.render_to_string(template, dict(context or {}), request)


def htmx(request: HttpRequest) -> bool:
    """Whether a script on a page asks, so that a part is answer enough."""
    return request.headers.get("HX-Request") == "true" and not history_restore(request)


def history_restore(request: HttpRequest) -> bool:
    """Whether the browser goes back and needs the whole page again."""
    return request.headers.get("HX-History-Restore-Request") == "true"


def toast(request: HttpRequest, text: str, tone: Tone = "success") -> None:
    """Show a short message with the next answer, on this page or the one redirected to."""
    messages.add_message(request, _LEVELS[tone], text, extra_tags=tone, fail_silently=True)


def page_url(name: str, *args: Any, **kwargs: Any) -> str:
    """Answer the address of a page by its name."""
    return reverse(name, args=args, kwargs=kwargs)
