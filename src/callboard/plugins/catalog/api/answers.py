"""Build answers from entity JSON that is ready to send, and read the parameters all lists share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from django.http import HttpResponse, StreamingHttpResponse

from callboard.plugins.catalog.selectors.querying import EntityPage
from callboard.plugins.catalog.types.cursors import AfterCursor, CursorError, encode_after, encode_query
from callboard.plugins.catalog.types.filters import Filter, FilterError, parse_filters
from callboard.plugins.catalog.types.order import OrderError
from callboard.plugins.catalog.types.predicates import Predicate, PredicateError, parse_predicate
from callboard.plugins.catalog.types.projection import Fields, FieldsError, parse_fields, project
from callboard.sdk.api import InputError
from callboard.sdk.config import room_settings

JSON = "application/json; charset=utf-8"

BAD_INPUT = (FilterError, PredicateError, OrderError, FieldsError, CursorError)


def shown(text: str, fields: Fields | None) -> str:
    """Answer an entity's JSON, cut down to fields, or with old-style relations where configured."""
    old_relations = room_settings("catalog").relations_compatibility
    if fields is None and not old_relations:
        return text
    entity = orjson.loads(text)
    if old_relations:
        for relation in entity.get("relations", ()):
            kind, _, rest = relation["targetRef"].partition(":")
            namespace, _, name = rest.partition("/")
            relation["target"] = {"kind": kind, "namespace": namespace, "name": name}
    return orjson.dumps(project(entity, fields)).decode()


def json_response(text: str | bytes, status: int = 200) -> HttpResponse:
    """Answer JSON that is already written."""
    return HttpResponse(text, status=status, content_type=JSON)


def json_value(value: Any, status: int = 200) -> HttpResponse:
    """Answer a value as JSON."""
    return HttpResponse(orjson.dumps(value), status=status, content_type=JSON)


def page_response(page: EntityPage, fields: Fields | None) -> HttpResponse:
    """Answer a page of `by-query`."""
    return json_response(page_text(replace(page, items=[shown(item, fields) for item in page.items])))


def page_text(page: EntityPage) -> str:
    """Write a page of `by-query`."""
    info: dict[str, str] = {}
    if page.next is not None:
        info["nextCursor"] = encode_query(page.next)
    if page.previous is not None:
        info["prevCursor"] = encode_query(page.previous)
    total = "" if page.total is None else f'"totalItems":{page.total},'
    return f'{{"items":[{",".join(page.items)}],{total}"pageInfo":{orjson.dumps(info).decode()}}}'


def stream(bodies: Iterator[str], fields: Fields | None) -> StreamingHttpResponse:
    """Answer a list of any length without holding it in memory."""

    def pieces() -> Iterator[bytes]:
        yield b"["
        buffer: list[str] = []
        size = 0
        first = True
        for body in bodies:
            text = shown(body, fields)
            buffer.append(text)
            size += len(text)
            if size > 256_000:
                yield (("" if first else ",") + ",".join(buffer)).encode()
                first, buffer, size = False, [], 0
        if buffer:
            yield (("" if first else ",") + ",".join(buffer)).encode()
        yield b"]"

    return StreamingHttpResponse(pieces(), content_type=JSON)


def array(bodies: Iterable[str], fields: Fields | None) -> HttpResponse:
    """Answer a short list."""
    return json_response("[" + ",".join(shown(body, fields) for body in bodies) + "]")


def next_link(path: str, parameters: list[tuple[str, str]], following: AfterCursor) -> str:
    """Write the header that leads to the next part of a list; clients resolve it against the address they asked."""
    query = urlencode([*parameters, ("after", encode_after(following))], quote_via=quote)
    return f'<{path}?{query}>; rel="next"'


def read_filter(values: list[str]) -> Filter | None:
    """Read `filter` parameters, or answer 400."""
    try:
        return parse_filters(values)
    except FilterError as error:
        raise InputError(str(error)) from error


def read_fields(values: list[str] | None) -> Fields | None:
    """Read `fields` parameters, or answer 400."""
    try:
        return parse_fields(values or [])
    except FieldsError as error:
        raise InputError(str(error)) from error


def read_predicate(value: dict[str, Any] | None) -> Predicate | None:
    """Read the `query` of a body, or answer 400."""
    try:
        return None if value is None else parse_predicate(value)
    except PredicateError as error:
        raise InputError(str(error)) from error
