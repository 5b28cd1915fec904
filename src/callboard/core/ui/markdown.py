"""Render Markdown that anybody may have written: complete for documents, harmless for readers."""

from __future__ import annotations

from functools import cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from callboard.core.ui.highlight import highlight_code

LIMIT = 500_000
"""Characters; longer texts are cut, because the time to render them belongs to everybody."""

_TAGS = frozenset(
    (  # noqa: SIM905 - fifty lines of one word each say less
        "a abbr b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol "
        "p pre s samp small span strong sub summary sup table tbody td tfoot th thead tr ul var"
    ).split()
)
_ATTRIBUTES = {
    "*": {"title", "lang", "dir"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "code": {"class"},
    "span": {"class"},
    "div": {"class"},
    "pre": {"class", "tabindex"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "ol": {"start"},
    "details": {"open"},
}


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    parser.options["highlight"] = lambda code, language, _attributes: highlight_code(code, language)
    return parser


def markdown(text: str) -> SafeString:
    """Answer safe HTML; headings start one level below the page's own."""
    cut = text[:LIMIT]
    tokens = _parser().parse(cut)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
    html = _parser().renderer.render(tokens, _parser().options, {})
    clean = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        generic_attribute_prefixes=set(),
    )
    return mark_safe(f'<div class="cb-markdown">{clean}</div>')  # noqa: S308 - nh3 made it safe
