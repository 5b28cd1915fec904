"""Answer the reads that are asked most without a framework around them: one entity, many, a page, facets."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qsl, unquote

import orjson
from django.http import HttpResponse

from callboard.plugins.catalog.api.answers import array, next_link, page_text
from callboard.plugins.catalog.selectors import querying
from callboard.plugins.catalog.selectors.querying import EntityQuery
from callboard.plugins.catalog.types.cursors import AfterCursor, FullTextFilter
from callboard.plugins.catalog.types.filters import parse_filters
from callboard.plugins.catalog.types.order import parse_order_fields
from callboard.sdk.config import room_settings

LARGEST = 1_000
SINGLE = frozenset({"limit", "fullTextFilterTerm", "fullTextFilterFields", "totalItems"})


def express(method: str, path: str, query: str, body: bytes) -> str | bytes | HttpResponse | None:
    """Answer what can be answered at once; whatever is odd, missing or wrong is left to the router."""
    if room_settings("catalog").relations_compatibility:
        return None
    if method == "POST":
        return _by_refs(body) if path == "entities/by-refs" and not query else None
    if method != "GET":
        return None
    if path.startswith("entities/by-name/") and not query:
        return _by_name(path)
    if path == "entities/by-query":
        return _by_query(query)
    if path == "entity-facets":
        return _facets(query)
    return _entities(query) if path == "entities" else None


def _by_name(path: str) -> str | None:
    parts = path.split("/")
    if len(parts) != 5:
        return None
    return querying.body_of(f"{parts[2]}:{parts[3]}/{parts[4]}".lower())


def _by_refs(body: bytes) -> str | None:
    asked = orjson.loads(body)
    if not isinstance(asked, dict) or asked.keys() != {"entityRefs"}:
        return None
    refs = asked["entityRefs"]
    if not isinstance(refs, list) or len(refs) > LARGEST:
        return None
    found = querying.bodies_of(refs)
    # A ref that is not found as it is written may be written in another way.
    return f'{{"items":[{",".join(found[ref] for ref in refs)}]}}' if found.keys() >= set(refs) else None


def _by_query(query: str) -> str | None:
    asked = _read_query(query)
    if asked is None:
        return None
    wanted, limit, count = asked
    return page_text(querying.page(wanted, limit=limit, count=count))


@lru_cache(maxsize=1000)
def _read_query(query: str) -> tuple[EntityQuery, int, bool] | None:
    parameters = _parameters(query)
    single = dict(parameters)
    if not single.keys() <= SINGLE | {"filter", "orderField"} or "\0" in unquote(query):
        return None
    if any(sum(1 for name, _ in parameters if name == key) > 1 for key in SINGLE):
        return None
    limit, count = single.get("limit", "200"), single.get("totalItems", "include")
    if not _is_size(limit) or count not in {"include", "exclude"}:
        return None
    text = None
    if term := single.get("fullTextFilterTerm"):
        named = tuple(f.strip() for f in single.get("fullTextFilterFields", "").split(",") if f.strip())
        text = FullTextFilter(term, named)
    try:
        wanted = EntityQuery(
            parse_filters([value for name, value in parameters if name == "filter"]),
            None,
            text,
            parse_order_fields([value for name, value in parameters if name == "orderField"]),
        )
    except ValueError:
        return None
    return wanted, int(limit), count == "include"


def _entities(query: str) -> HttpResponse | None:
    asked = _read_entities(query)
    if asked is None:
        return None
    wanted, limit, filters = asked
    found = querying.page(wanted, limit=limit, count=False)
    response = array(found.items, None)
    if found.next is not None:
        response["Link"] = next_link("/api/catalog/entities", list(filters), AfterCursor(limit, limit))
    return response


@lru_cache(maxsize=1000)
def _read_entities(query: str) -> tuple[EntityQuery, int, tuple[tuple[str, str], ...]] | None:
    parameters = _parameters(query)
    single = dict(parameters)
    if not single.keys() <= {"filter", "limit"} or [name for name, _ in parameters].count("limit") != 1:
        return None
    limit = single["limit"]
    if not _is_size(limit) or int(limit) == 0 or "\0" in unquote(query):
        return None
    filters = tuple(pair for pair in parameters if pair[0] == "filter")
    try:
        wanted = EntityQuery(parse_filters([value for _, value in filters]))
    except ValueError:
        return None
    return wanted, int(limit), filters


def _facets(query: str) -> bytes | None:
    asked = _read_facets(query)
    if asked is None:
        return None
    wanted, keys = asked
    return orjson.dumps({"facets": querying.facets(wanted, list(keys))})


@lru_cache(maxsize=1000)
def _read_facets(query: str) -> tuple[EntityQuery, tuple[str, ...]] | None:
    parameters = _parameters(query)
    keys = tuple(value for name, value in parameters if name == "facet")
    if not 0 < len(keys) <= 50 or not {name for name, _ in parameters} <= {"facet", "filter"} or "\0" in unquote(query):
        return None
    try:
        return EntityQuery(parse_filters([value for name, value in parameters if name == "filter"])), keys
    except ValueError:
        return None


def _parameters(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, max_num_fields=100)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5 and int(text) <= LARGEST
