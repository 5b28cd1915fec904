"""The search page's address: what is looked for, and how it is narrowed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

MAX_VALUES = 30


@dataclass(frozen=True)
class PageQuery:
    """What the page shows."""

    text: str = ""
    type: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def without(self, name: str, value: str = "") -> PageQuery:
        """Answer the same without a filter, or without one of its values."""
        filters = dict(self.filters)
        left = tuple(item for item in filters.pop(name, ()) if value and item != value)
        if left:
            filters[name] = left
        return replace(self, filters=filters)

    def with_text(self, text: str) -> PageQuery:
        """Answer the same for another text."""
        return replace(self, text=text)

    def with_type(self, name: str) -> PageQuery:
        """Answer the same for another type, whose filters are its own."""
        return PageQuery(self.text, name)

    @property
    def query_string(self) -> str:
        """What stands behind the question mark."""
        pairs = [("q", self.text)] if self.text else []
        if self.type:
            pairs.append(("type", self.type))
        pairs += [(f"filters[{name}]", value) for name, values in sorted(self.filters.items()) for value in values]
        return urlencode(pairs)

    @property
    def url(self) -> str:
        """The page's address."""
        text = self.query_string
        return reverse("search") + (f"?{text}" if text else "")


def read_page_query(parameters: QueryDict) -> PageQuery:
    """Read the address; ``query`` and ``types[]``, which links made for the original carry, are understood."""
    filters: dict[str, tuple[str, ...]] = {}
    for name, values in parameters.lists():
        if name.startswith("filters["):
            key = name[8:].partition("]")[0][:60]
            kept = tuple(dict.fromkeys(value[:300] for value in values if value))[:MAX_VALUES]
            if key and kept and len(filters) < MAX_VALUES:
                filters[key] = (*filters.get(key, ()), *kept)
    return PageQuery(
        text=(parameters.get("q") or parameters.get("query") or "").replace("\x00", "").strip()[:500],
        type=(parameters.get("type") or parameters.get("types[]") or parameters.get("types[0]") or "")[:100],
        filters=filters,
    )
