"""Tags every template may use: assets, icons, times, addresses, what is active."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from html import unescape
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe

from callboard.core.ui import markdown as markdown_module
from callboard.core.ui.assets import asset_url, icon_url
from callboard.core.ui.highlight import highlight_code
from callboard.core.ui.times import as_datetime, relative_time

register = template.Library()


@register.simple_tag
def asset(name: str) -> str:
    """Answer the address of a built file: ``{% asset "app.js" %}``."""
    return asset_url(name)


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """Draw an icon of the sprite; with a label it is read out, without one it is decoration."""
    classes = f"icon {css}".strip()
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"></use></svg>',
            classes,
            label,
            icon_url(name),
        )
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>',
        classes,
        icon_url(name),
    )


@register.simple_tag
def ago(at: Any, css: str = "") -> SafeString:
    """Say how long ago (or in how long) something is; the exact time is the title."""
    moment = as_datetime(at)
    if moment is None:
        return mark_safe('<span class="text-secondary">–</span>')
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}" class="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname()}",
        f"cb-time {css}".strip(),
        relative_time(moment),
    )


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """Answer the current query string with changes: ``{% query page=2 sort=None %}``; empty values drop."""
    request = context.get("request")
    return query_string(request.GET if request else {}, changes)


def query_string(current: Any, changes: Mapping[str, Any]) -> str:
    """Answer ``?…`` made of the current parameters and the changes; ``?`` alone clears everything."""
    pairs: list[tuple[str, str]] = []
    for key, values in getattr(current, "lists", current.items)():
        if key not in changes:
            pairs.extend((key, value) for value in (values if isinstance(values, list) else [values]))
    for key, value in changes.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs.extend((key, str(one)) for one in values if one not in (None, "", False))
    return f"?{urlencode(pairs)}"


@register.simple_tag(takes_context=True)
def active(context: Context, *names: str) -> SafeString:
    """Mark a link as the current page: ``<a {% active "jobs" "job" %}>``."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    if match is not None and match.url_name in names:
        return mark_safe('aria-current="page"')
    return mark_safe("")


@register.simple_tag
def url_or_nothing(name: str, *args: Any, **kwargs: Any) -> str:
    """Answer the address of a page, or nothing when no plugin that is installed has it."""
    try:
        return reverse(name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def document_title(context: Context) -> str:
    """Answer the text of the page's ``title`` block together with the portal's name, for the window."""
    name = getattr(context.get("shell"), "name", "Callboard")
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.pop("title") if blocks else None
    if block is None:
        return str(name)
    try:
        with context.push(block=block):
            text = " ".join(unescape(strip_tags(block.nodelist.render(context))).split())
    finally:
        blocks.push("title", block)
    return f"{text} · {name}" if text and text != name else str(name)


@register.filter
def markdown(text: Any) -> SafeString:
    """Render Markdown of anybody's making as safe HTML."""
    return markdown_module.markdown(str(text or ""))


@register.filter
def highlight(code: Any, language: str = "") -> SafeString:
    """Colour code: ``{{ text|highlight:"yaml" }}``."""
    return highlight_code(str(code or ""), language)


@register.filter
def iso(at: datetime | date | None) -> str:
    """Answer a time the way machines write it."""
    moment = as_datetime(at)
    return moment.isoformat(timespec="seconds") if moment else ""


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Answer ``mapping[key]``, or nothing."""
    return mapping.get(key) if isinstance(mapping, Mapping) else None
