"""Answer pages inside the shell, cut lists into pages, say what happened, show texts safely."""

from callboard.core.ui.assets import asset_url
from callboard.core.ui.highlight import highlight_code
from callboard.core.ui.markdown import markdown
from callboard.core.ui.middleware import POLICY as CONTENT_POLICY
from callboard.core.ui.model_forms import FormSection, form_errors, form_sections, read_form
from callboard.core.ui.paging import ListPage, keyset_page, offset_page, page_size
from callboard.core.ui.rendering import htmx, page_url, render, render_to_string, toast
from callboard.core.ui.times import relative_time

__all__ = [
    "CONTENT_POLICY",
    "FormSection",
    "ListPage",
    "asset_url",
    "form_errors",
    "form_sections",
    "highlight_code",
    "htmx",
    "keyset_page",
    "markdown",
    "offset_page",
    "page_size",
    "page_url",
    "read_form",
    "relative_time",
    "render",
    "render_to_string",
    "toast",
]
