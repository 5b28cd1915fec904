"""Read what the catalog table shows from its address, and write it back in its shortest form."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from django.http import QueryDict

from callboard.plugins.catalog.selectors.pages.table import COLUMNS, FACETS, PERSONAL, SORTS, USUAL_COLUMNS, TableQuery

_FILTER = re.compile(r"^filters\[(\w+)\](?:\[\d*\])?$")
# Links made for the original use the plural for some filters.
_NAMES = {"types": "type", "lifecycles": "lifecycle", "owners": "owner", "tags": "tag", "namespaces": "namespace"}
_SWITCHES = {"orphan": "orphan", "error": "error"}
_MOST = 50
_LONGEST = 300


def read_query(params: QueryDict) -> TableQuery:
    """Answer what the address asks for; what cannot be meant is left out."""
    kind = params.get("kind", "")
    user = params.get("user", "")
    text = params.get("text", "")
    filters: dict[str, list[str]] = {}
    for key, values in params.lists():
        match = _FILTER.match(key)
        if not match:
            continue
        name = _NAMES.get(match[1], match[1])
        if name == "kind":
            kind = kind or values[-1]
        elif name == "user":
            user = user or values[-1]
        elif name == "text":
            text = text or values[-1]
        elif name in _SWITCHES and values[-1].lower() in {"true", "1", ""}:
            filters.setdefault("status", []).append(_SWITCHES[name])
        elif name in FACETS:
            filters.setdefault(name, []).extend(_clean(name, value) for value in values[:_MOST])
    sort = params.get("sort", "name")
    descending = sort.startswith("-")
    sort = sort.removeprefix("-")
    return TableQuery(
        kind=kind.strip().lower().replace("\0", "")[:63] or "component",
        user=user if user in PERSONAL else "all",
        text=text.strip().replace("\0", "")[:200],
        filters={
            name: tuple(dict.fromkeys(v for v in filters[name] if v)) for name in FACETS if any(filters.get(name, ()))
        },
        sort=sort if sort in SORTS else "name",
        descending=descending and sort in SORTS,
        columns=_columns(params.getlist("columns")),
        compact=params.get("density") == "compact",
    )


def _columns(asked: list[str]) -> tuple[str, ...]:
    chosen = {name for value in asked for name in value.split(",")}
    # A form that sends the word alone wants the name and nothing else.
    return tuple(name for name in COLUMNS if name in chosen) if chosen else USUAL_COLUMNS


def _clean(name: str, value: str) -> str:
    value = value.strip().replace("\0", "")[:_LONGEST].lower()
    if name == "owner" and value and ":" not in value:
        value = f"group:{value}" if "/" in value else f"group:default/{value}"
    return value


def write_query(query: TableQuery, *, size: int = 25, page: int = 1) -> str:
    """Answer the address of a table, without what is as usual."""
    pairs: list[tuple[str, str]] = [("kind", query.kind)]
    if query.user != "all":
        pairs.append(("user", query.user))
    if query.text:
        pairs.append(("text", query.text))
    for name in FACETS:
        pairs.extend((f"filters[{name}]", value) for value in query.filters.get(name, ()))
    if query.sort != "name" or query.descending:
        pairs.append(("sort", f"-{query.sort}" if query.descending else query.sort))
    if query.columns != USUAL_COLUMNS:
        pairs.append(("columns", ",".join(query.columns) or "name"))
    if query.compact:
        pairs.append(("density", "compact"))
    if size != 25:
        pairs.append(("size", str(size)))
    if page > 1:
        pairs.append(("page", str(page)))
    return f"?{urlencode(pairs, safe='[]:/,')}"
