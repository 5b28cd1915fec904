"""Answer searches over HTTP: as clients of the original ask, and with facets and reasons."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import orjson
from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Field, Schema

from callboard.plugins.search.types import QueryError, encode_cursor, read_query
from callboard.sdk.api import InputError, router
from callboard.sdk.config import portal_config
from callboard.sdk.search import Hit, SearchRequest, known_types, search

api = router(tags=["Search"])

PRE, POST = "<b15c7a2e-hit>", "</b15c7a2e-hit>"
"""Around what fits in highlights: no HTML element, so that it cannot be mistaken for one of the text."""


class HighlightOut(Schema):
    """Where a result fits: escaped HTML by field, hits between the tags."""

    preTag: str  # noqa: N815 - the name on the wire
    postTag: str  # noqa: N815
    fields: dict[str, str]


class ResultOut(Schema):
    """A result; ``rank`` counts from 1 over all pages."""

    type: str
    document: dict[str, Any]
    rank: int
    highlight: HighlightOut | None = None


class ResultsOut(Schema):
    """A page of results."""

    results: list[ResultOut]
    nextPageCursor: str | None = None  # noqa: N815
    previousPageCursor: str | None = None  # noqa: N815
    numberOfResults: int | None = None  # noqa: N815


class ErrorOut(Schema):
    """An error, as every API of the portal answers it."""

    error: dict[str, Any]
    request: dict[str, Any]
    response: dict[str, Any]


_STRING = {"type": "string"}
_PARAMETERS: list[dict[str, Any]] = [
    {"name": "term", "in": "query", "schema": _STRING, "description": "What to look for; operators are understood."},
    {
        "name": "types[]",
        "in": "query",
        "schema": {"type": "array", "items": _STRING},
        "description": "Document types, such as software-catalog.",
    },
    {
        "name": "filters",
        "in": "query",
        "style": "deepObject",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": _STRING},
        "description": "filters[kind]=Component, or several with filters[lifecycle][]=….",
    },
    {"name": "pageCursor", "in": "query", "schema": _STRING, "description": "From an earlier answer."},
    {"name": "pageLimit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 25}},
]


@api.get(
    "/query",
    response={200: ResultsOut, 400: ErrorOut, 401: ErrorOut},
    operation_id="Query",
    openapi_extra={"parameters": _PARAMETERS},
)
def query(request: HttpRequest) -> HttpResponse:
    """Search everything the caller may find."""
    config = portal_config().search
    try:
        asked = read_query(
            _pairs(request.GET),
            known=known_types(),
            max_term=config.max_term_length,
            max_limit=config.max_page_limit,
        )
    except QueryError as error:
        raise InputError(f"Invalid query string: {error}") from error
    offset = asked.page * asked.limit
    answer = search(
        SearchRequest(
            text=asked.term,
            types=asked.types,
            filters=asked.filters,
            limit=asked.limit,
            offset=offset,
            pre_tag=PRE,
            post_tag=POST,
        )
    )
    body: dict[str, Any] = {
        "results": [_result(hit, offset + place, asked.term) for place, hit in enumerate(answer.hits, 1)]
    }
    if answer.has_next:
        body["nextPageCursor"] = encode_cursor(asked.page + 1)
    if asked.page:
        body["previousPageCursor"] = encode_cursor(asked.page - 1)
    if not answer.more:
        body["numberOfResults"] = answer.total
    return HttpResponse(orjson.dumps(body), content_type="application/json; charset=utf-8")


def _pairs(parameters: QueryDict) -> list[tuple[str, str]]:
    return [(name, value) for name, values in parameters.lists() for value in values]


def _result(hit: Hit, rank: int, term: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": hit.type,
        "document": {**hit.fields, "title": hit.title, "text": hit.text, "location": hit.location},
        "rank": rank,
    }
    if term:
        result["highlight"] = {
            "preTag": PRE,
            "postTag": POST,
            "fields": {**hit.highlights, "path": ""},
        }
    return result


class FacetValueOut(Schema):
    """A value that results can be narrowed to."""

    value: str
    count: int


class FoundOut(Schema):
    """A result with its place, its score and, when asked for, the parts the score is made of."""

    id: int
    type: str
    title: str
    passage: str
    location: str
    owner: str
    fields: dict[str, Any]
    highlights: dict[str, str]
    score: float
    why: dict[str, float]


class AnswerOut(Schema):
    """A page of results with everything the search page knows."""

    results: list[FoundOut]
    total: int
    more: bool
    hasNext: bool  # noqa: N815
    corrected: str
    suggestions: list[str]
    facets: dict[str, list[FacetValueOut]]
    semantic: bool


class FindIn(Schema):
    """What to look for."""

    text: str = Field(default="", max_length=1_000)
    types: list[str] = Field(default_factory=list, max_length=50)
    filters: dict[str, list[str]] = Field(default_factory=dict, max_length=20)
    limit: int = Field(default=25, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=10_000)
    mode: Literal["fused", "keyword", "semantic"] = "fused"
    facets: bool = False
    explain: bool = False


@api.post("/find", response={200: AnswerOut, 400: ErrorOut, 401: ErrorOut, 403: ErrorOut}, operation_id="Find")
def find(request: HttpRequest, body: FindIn) -> dict[str, Any]:  # noqa: ARG001 - ninja passes it
    """Search with facets and reasons; it changes nothing, and is a POST because filters do not fit an address."""
    unknown = sorted(set(body.types) - set(known_types()))
    if unknown:
        raise InputError(f"types: there is no document type {unknown[0][:100]!r}")
    answer = search(
        SearchRequest(
            body.text,
            types=tuple(body.types),
            filters={name: tuple(values) for name, values in body.filters.items()},
            limit=body.limit,
            offset=body.offset,
            mode=body.mode,
            facets=body.facets,
            explain=body.explain,
        )
    )
    return {
        "results": [
            {
                "id": hit.id,
                "type": hit.type,
                "title": hit.title,
                "passage": hit.passage,
                "location": hit.location,
                "owner": hit.owner_ref,
                "fields": dict(hit.fields),
                "highlights": dict(hit.highlights),
                "score": hit.score,
                "why": dict(hit.why),
            }
            for hit in answer.hits
        ],
        "total": answer.total,
        "more": answer.more,
        "hasNext": answer.has_next,
        "corrected": answer.corrected,
        "suggestions": list(answer.suggestions),
        "facets": {name: [asdict(item) for item in values] for name, values in answer.facets.items()},
        "semantic": answer.semantic,
    }
