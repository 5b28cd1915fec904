"""Colour code on the server: classes alone, the colours stand in the style sheet for light and dark."""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight as pygments_highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LIMIT = 200_000
"""Characters; longer texts are shown without colours."""


def highlight_code(code: str, language: str = "") -> SafeString:
    """Answer ``<pre>`` with coloured code; an unknown language or a very long text stays plain."""
    lexer = _lexer(language.strip().lower())
    if lexer is None or len(code) > LIMIT:
        return format_html('<pre class="cb-code" tabindex="0"><code>{}</code></pre>', code)
    inner = pygments_highlight(code, lexer, HtmlFormatter(nowrap=True))
    return mark_safe(f'<pre class="cb-code highlight" tabindex="0"><code>{inner}</code></pre>')  # noqa: S308 - Pygments escapes


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None
