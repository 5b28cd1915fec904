"""Write and read cursors: where a client stands in a list, as base64 of JSON.

Clients hand them back unread. They are not signed and therefore never trusted: whatever a cursor asks for
is checked like a fresh request, and permissions are applied anew.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import orjson

from callboard.plugins.catalog.types.filters import Filter, FilterError, filter_from_json, filter_to_json
from callboard.plugins.catalog.types.order import OrderError, OrderField, order_from_json, order_to_json
from callboard.plugins.catalog.types.predicates import (
    Predicate,
    PredicateError,
    parse_predicate,
    predicate_to_json,
)

MAX_LENGTH = 1_000_000
_MAX_NUMBER = 2**31 - 1


class CursorError(ValueError):
    """A cursor that nobody here has written; the message is fit for the answer of the API."""


@dataclass(frozen=True, slots=True)
class FullTextFilter:
    """A term to look for in the named fields; no fields means the sort field."""

    term: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryCursor:
    """A place in the answer of a query, with the query itself.

    ``order_field_values`` are the values of the entity at the edge of the page: one for each order field and
    its id last. ``first_sort_field_values`` are those of the very first entity, which tell the first page.
    """

    order_fields: tuple[OrderField, ...] = ()
    order_field_values: tuple[str | None, ...] = ()
    filter: Filter | None = None
    is_previous: bool = False
    full_text_filter: FullTextFilter | None = None
    first_sort_field_values: tuple[str | None, ...] | None = None
    total_items: int | None = None
    query: Predicate | None = None


@dataclass(frozen=True, slots=True)
class AfterCursor:
    """A place in ``GET /entities``: the page size and how many entities to leave out."""

    limit: int | None
    offset: int


def encode(data: Any) -> str:
    """Answer base64 of compact JSON."""
    return base64.b64encode(json.dumps(data, separators=(",", ":")).encode()).decode()


def decode(text: str, what: str = "cursor") -> dict[str, Any]:
    """Read an object written by :func:`encode`; raises :class:`CursorError`."""
    if len(text) > MAX_LENGTH:
        raise CursorError(f"Malformed {what}, longer than {MAX_LENGTH} characters")
    try:
        # A plus sign that was not escaped arrives as a blank; padding and alphabet differ between writers.
        plain = text.strip().replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
        data = json.loads(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorError(f"Malformed {what}, could not be parsed") from error
    if not isinstance(data, dict) or not _storable(data):
        raise CursorError(f"Malformed {what}, could not be parsed")
    return data


def _storable(data: Any) -> bool:
    """Tell whether the database could take every text in it."""
    try:
        return b"\\u0000" not in orjson.dumps(data)
    except TypeError:
        return False


def encode_after(cursor: AfterCursor) -> str:
    """Write the ``after`` parameter of ``GET /entities``."""
    data = {} if cursor.limit is None else {"limit": cursor.limit}
    return encode({**data, "offset": cursor.offset})


def decode_after(text: str) -> AfterCursor:
    """Read the ``after`` parameter of ``GET /entities``; raises :class:`CursorError`."""
    what = "after cursor"
    data = decode(text, what)
    limit = data.get("limit")
    if limit is not None:
        limit = _number(limit, "limit", what)
        if limit == 0:
            raise CursorError("Malformed after cursor, limit must be greater than zero")
    return AfterCursor(limit, _number(data.get("offset", 0), "offset", what))


def encode_query(cursor: QueryCursor) -> str:
    """Write the cursor of ``/entities/by-query``."""
    data: dict[str, Any] = {
        "orderFields": order_to_json(cursor.order_fields),
        "orderFieldValues": list(cursor.order_field_values),
        "isPrevious": cursor.is_previous,
    }
    if cursor.filter is not None:
        data["filter"] = filter_to_json(cursor.filter)
    if cursor.full_text_filter is not None:
        data["fullTextFilter"] = {"term": cursor.full_text_filter.term}
        if cursor.full_text_filter.fields:
            data["fullTextFilter"]["fields"] = list(cursor.full_text_filter.fields)
    if cursor.first_sort_field_values is not None:
        data["firstSortFieldValues"] = list(cursor.first_sort_field_values)
    if cursor.total_items is not None:
        data["totalItems"] = cursor.total_items
    if cursor.query is not None:
        data["query"] = predicate_to_json(cursor.query)
    return encode(data)


def decode_query(text: str) -> QueryCursor:
    """Read the cursor of ``/entities/by-query``; raises :class:`CursorError`."""
    data = decode(text)
    previous = data.get("isPrevious", False)
    if not isinstance(previous, bool):
        raise CursorError('Malformed cursor, "isPrevious" must be true or false')
    first, total = data.get("firstSortFieldValues"), data.get("totalItems")
    try:
        return QueryCursor(
            order_fields=order_from_json(data.get("orderFields", [])),
            order_field_values=_values(data.get("orderFieldValues", []), "orderFieldValues"),
            filter=None if data.get("filter") is None else filter_from_json(data["filter"]),
            is_previous=previous,
            full_text_filter=_full_text(data.get("fullTextFilter")),
            first_sort_field_values=None if first is None else _values(first, "firstSortFieldValues"),
            total_items=None if total is None else _number(total, "totalItems", "cursor"),
            query=None if data.get("query") is None else parse_predicate(data["query"]),
        )
    except (FilterError, OrderError, PredicateError) as error:
        raise CursorError(f"Malformed cursor, {error}") from error


def _number(value: Any, name: str, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_NUMBER:
        raise CursorError(f'Malformed {what}, "{name}" must be a whole number that is not negative')
    return value


def _text(value: Any) -> bool:
    # A null character would only be refused by the database later.
    return isinstance(value, str) and "\0" not in value


def _values(value: Any, name: str) -> tuple[str | None, ...]:
    if not isinstance(value, list) or not all(item is None or _text(item) for item in value):
        raise CursorError(f'Malformed cursor, "{name}" must be a list of strings')
    return tuple(value)


def _full_text(value: Any) -> FullTextFilter | None:
    if value is None:
        return None
    fields = value.get("fields") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not _text(value.get("term")):
        raise CursorError('Malformed cursor, "fullTextFilter" must have a term')
    if fields is not None and not (isinstance(fields, list) and all(map(_text, fields))):
        raise CursorError('Malformed cursor, the fields of "fullTextFilter" must be a list of strings')
    return FullTextFilter(value["term"], tuple(fields or ()))
