"""Answer pages inside the shell, cut lists into pages, say what happened, show texts safely."""

from callboard.core.ui.assets import asset_url
from callboard.core.ui.highlight import highlight_code
from callboard.core.ui.markdown import markdown
from callboard.core.ui.middleware import POLICY as CONTENT_POLICY
from callboard.core.ui.paging import ListPage, keyset_page, offset_page, page_size
from callboard.core.ui.rendering import htmx, page_url, render, render_to_string, toast
from callboard.core.ui.times import relative_time

__all__ = [
    "CONTENT_POLICY",
    "ListPage",
    "asset_url",
    "highlight_code",
    "htmx",
    "keyset_page",
    "markdown",
    "offset_page",
    "page_size",
    "page_url",
    "relative_time",
    "render",
    "render_to_string",
    "toast",
]
