"""Entities: lists, pages, single ones, facets, ancestry, refresh, validation."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query
from pydantic import Field

from callboard.lib.refs import LocationRef, RefError, canonical
from callboard.plugins.catalog.api.answers import (
    BAD_INPUT,
    array,
    json_response,
    json_value,
    next_link,
    page_response,
    read_fields,
    read_filter,
    read_predicate,
    shown,
    stream,
)
from callboard.plugins.catalog.api.schemas import (
    AncestryOut,
    EntityOut,
    EntityPageOut,
    ErrorOut,
    ErrorsOut,
    FacetsIn,
    FacetsOut,
    QueryIn,
    RefreshIn,
    RefsIn,
    RefsOut,
    UnprocessedOut,
    ValidateIn,
)
from callboard.plugins.catalog.selectors import ancestry, problems, querying
from callboard.plugins.catalog.selectors.querying import EntityQuery
from callboard.plugins.catalog.selectors.sets import renamed_to
from callboard.plugins.catalog.services import entities as changing
from callboard.plugins.catalog.services import locations
from callboard.plugins.catalog.types.cursors import (
    AfterCursor,
    FullTextFilter,
    decode_after,
    decode_query,
)
from callboard.plugins.catalog.types.order import OrderField, parse_order, parse_order_fields
from callboard.sdk.api import ForbiddenError, InputError, NotFoundError, router
from callboard.sdk.permissions import require

api = router(tags=["Entities"])

Many = Annotated[list[str], Query()]
DEFAULT_LIMIT = 200
MAX_LIMIT = 10_000
PAGE_OF_ALL = 10_000
NUMBER = 2_000_000_000

Limit = Annotated[int | None, Query(ge=0, le=NUMBER)]
ERRORS = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut}


def missing(kind: str, namespace: str, name: str) -> NotFoundError:
    """Say that there is no such entity, the way clients know it, and what it is called now where it was renamed."""
    ref = f"{kind}:{namespace}/{name}".lower()
    now = renamed_to(ref) if "\0" not in ref else None
    text = f"No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'"
    return NotFoundError(f"{text}; it is called {now} now", renamedTo=now) if now else NotFoundError(text)


@api.get("/entities", response={200: list[EntityOut], **ERRORS}, operation_id="GetEntities")
def get_entities(
    request: HttpRequest,
    filter: Many = [],
    fields: Many = [],
    order: Many = [],
    limit: Limit = None,
    offset: Limit = None,
    after: str | None = None,
) -> HttpResponseBase:
    """List entities; without `limit` all of them, streamed."""
    wanted = read_fields(fields)
    try:
        query = EntityQuery(filter=read_filter(filter), order=parse_order(order))
        cursor = decode_after(after) if after else AfterCursor(limit, offset or 0)
    except BAD_INPUT as error:
        raise InputError(str(error)) from error
    if cursor.limit == 0:
        raise InputError("Invalid limit, must be greater than zero")
    if cursor.limit is None:
        return stream(querying.listed(query, offset=cursor.offset), wanted)
    size = min(cursor.limit, PAGE_OF_ALL)
    bodies = list(querying.listed(query, limit=size + 1, offset=cursor.offset))
    response = array(bodies[:size], wanted)
    if len(bodies) > size:
        parameters = [("filter", v) for v in filter] + [("fields", v) for v in fields] + [("order", v) for v in order]
        response["Link"] = next_link(request.path, parameters, AfterCursor(cursor.limit, cursor.offset + size))
    return response


@api.get("/entities/by-query", response={200: EntityPageOut, **ERRORS}, operation_id="GetEntitiesByQuery")
def get_by_query(
    request: HttpRequest,
    filter: Many = [],
    fields: Many = [],
    orderField: Many = [],
    limit: Limit = None,
    offset: Limit = None,
    cursor: str | None = None,
    fullTextFilterTerm: str | None = None,
    fullTextFilterFields: str | None = None,
    totalItems: Literal["include", "exclude"] = "include",
) -> HttpResponse:
    """Answer a page of entities with cursors to its neighbours."""
    refuse_null(fullTextFilterTerm or "", fullTextFilterFields or "")
    text = None
    if fullTextFilterTerm:
        named = tuple(f.strip() for f in (fullTextFilterFields or "").split(",") if f.strip())
        text = FullTextFilter(fullTextFilterTerm, named)
    try:
        query = EntityQuery(read_filter(filter), None, text, parse_order_fields(orderField))
        place = decode_query(cursor) if cursor else None
    except BAD_INPUT as error:
        raise InputError(str(error)) from error
    return _page(query, place, limit, offset, fields, count=totalItems == "include")


@api.post("/entities/by-query", response={200: EntityPageOut, **ERRORS}, operation_id="QueryEntitiesByPredicate")
def post_by_query(request: HttpRequest, body: QueryIn) -> HttpResponse:
    """Answer a page of entities that match a predicate."""
    listed = body.orderBy if isinstance(body.orderBy, list) else [body.orderBy] if body.orderBy else []
    try:
        order = tuple(OrderField(item.field.lower(), item.order) for item in listed)
        text = None
        if body.fullTextFilter and body.fullTextFilter.term:
            text = FullTextFilter(body.fullTextFilter.term, tuple(body.fullTextFilter.fields or ()))
        query = EntityQuery(None, read_predicate(body.query), text, order)
        place = decode_query(body.cursor) if body.cursor else None
    except BAD_INPUT as error:
        raise InputError(str(error)) from error
    return _page(query, place, body.limit, body.offset, body.fields or [], count=body.totalItems != "exclude")


def _page(
    query: EntityQuery, place: Any, limit: int | None, offset: int | None, fields: list[str], *, count: bool
) -> HttpResponse:
    size = DEFAULT_LIMIT if limit is None else min(limit, MAX_LIMIT)
    found = querying.page(query, limit=size, offset=offset or 0, cursor=place, count=count)
    return page_response(found, read_fields(fields))


def refuse_null(*texts: str) -> None:
    """Answer 400 to a null character, which nothing that is stored can hold."""
    if any("\0" in text for text in texts):
        raise InputError("Invalid request, a null character matches nothing")


@api.get("/entities/by-uid/{uid}", response={200: EntityOut, **ERRORS}, operation_id="GetEntityByUid")
def get_by_uid(request: HttpRequest, uid: str) -> HttpResponse:
    """Answer one entity by its uid."""
    body = querying.body_by_uid(uid) if _is_uuid(uid) else None
    if body is None:
        raise NotFoundError(f"No entity with uid {uid}")
    return json_response(shown(body, None))


@api.delete("/entities/by-uid/{uid}", response={204: None, **ERRORS}, operation_id="DeleteEntityByUid")
def delete_by_uid(request: HttpRequest, uid: str) -> HttpResponse:
    """Remove one entity; if its source still declares it, it comes back. An unknown uid is fine."""
    require("catalog.entity.delete")
    if _is_uuid(uid):
        ref = querying.ref_by_uid(uid)
        if ref is not None:
            changing.remove_entity(ref)
    return HttpResponse(status=204)


@api.get(
    "/entities/by-name/{kind}/{namespace}/{name}",
    response={200: EntityOut, **ERRORS},
    operation_id="GetEntityByName",
)
def get_by_name(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Answer one entity by its name."""
    body = querying.body_of(f"{kind}:{namespace}/{name}".lower()) if _plain(kind, namespace, name) else None
    if body is None:
        raise missing(kind, namespace, name)
    return json_response(shown(body, None))


@api.get(
    "/entities/by-name/{kind}/{namespace}/{name}/ancestry",
    response={200: AncestryOut, **ERRORS},
    operation_id="GetEntityAncestryByName",
)
def get_ancestry(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Answer an entity with all that led to it."""
    ref = f"{kind}:{namespace}/{name}".lower()
    found = ancestry.ancestry_of(ref) if _plain(kind, namespace, name) else None
    if found is None:
        if _plain(ref) and querying.exists(ref):
            raise ForbiddenError(f"You may not see {ref}")
        raise missing(kind, namespace, name)
    items = ",".join(
        f'{{"entity":{shown(body, None)},"parentEntityRefs":{orjson.dumps(parents).decode()}}}'
        for body, parents in found
    )
    return json_response(f'{{"rootEntityRef":{orjson.dumps(ref).decode()},"items":[{items}]}}')


@api.post("/entities/by-refs", response={200: RefsOut, **ERRORS}, operation_id="GetEntitiesByRefs")
def post_by_refs(request: HttpRequest, body: RefsIn, filter: Many = []) -> HttpResponse:
    """Answer many entities, in the order of their refs, null where there is none."""
    # One that is no ref at all is one that is not there: the others are answered.
    wanted = [_canonical(text) for text in body.entityRefs]
    found = querying.bodies_of(wanted, read_filter(filter), read_predicate(body.query))
    fields = read_fields(body.fields)
    items = ",".join(shown(found[ref], fields) if ref in found else "null" for ref in wanted)
    return json_response(f'{{"items":[{items}]}}')


@api.get("/entity-facets", response={200: FacetsOut, **ERRORS}, operation_id="GetEntityFacets")
def get_facets(
    request: HttpRequest,
    facet: Annotated[list[str], Query(min_length=1, max_length=50)],
    filter: Many = [],
) -> HttpResponse:
    """Count the values of facets."""
    refuse_null(*facet)
    return json_value({"facets": querying.facets(EntityQuery(read_filter(filter)), facet)})


@api.post("/entity-facets", response={200: FacetsOut, **ERRORS}, operation_id="QueryEntityFacetsByPredicate")
def post_facets(request: HttpRequest, body: FacetsIn) -> HttpResponse:
    """Count the values of facets among the entities that match a predicate."""
    query = EntityQuery(predicate=read_predicate(body.query))
    return json_value({"facets": querying.facets(query, body.facets)})


@api.post("/refresh", response={200: None, **ERRORS}, operation_id="RefreshEntity")
def post_refresh(request: HttpRequest, body: RefreshIn) -> HttpResponse:
    """Have the source of an entity read again, at once; the answer does not wait for it."""
    try:
        ref = canonical(body.entityRef, None, "default")
    except RefError as error:
        raise InputError(str(error)) from error
    locations.refresh([ref])
    return HttpResponse(status=200)


@api.post(
    "/validate-entity",
    response={**ERRORS, 200: None, 400: ErrorsOut | ErrorOut},
    operation_id="ValidateEntity",
)
def post_validate(request: HttpRequest, body: ValidateIn) -> HttpResponse:
    """Check an entity without storing it; problems come as a list."""
    try:
        location = LocationRef.parse(body.location)
    except RefError as error:
        return json_value({"errors": [{"name": "InputError", "message": str(error)}]}, 400)
    found = locations.validate_entity(body.entity, location.target)
    errors = [
        {
            "name": "InputError",
            "message": f"{p.message} {p.remedy}".strip(),
            "code": p.code,
            "path": p.place.path,
        }
        for p in found
    ]
    return json_value({"errors": errors}, 400) if errors else HttpResponse(status=200)


@api.get("/entities/unprocessed/failed", response={200: UnprocessedOut, **ERRORS}, operation_id="GetFailedEntities")
def get_failed(
    request: HttpRequest,
    owner: str | None = None,
    authorizationToken: str | None = None,
) -> HttpResponse:
    """List what sources declare but the portal cannot use."""
    return json_value({"entities": problems.failed_entities(owner or ""), "type": "failed"})


@api.get("/entities/unprocessed/pending", response={200: UnprocessedOut, **ERRORS}, operation_id="GetPendingEntities")
def get_pending(
    request: HttpRequest,
    owner: str | None = None,
    authorizationToken: str | None = None,
) -> HttpResponse:
    """List locations that are known but were never read."""
    return json_value({"entities": problems.pending_entities(), "type": "pending"})


@api.delete(
    "/entities/unprocessed/delete/{entity_id}",
    response={204: None, **ERRORS},
    operation_id="DeleteUnprocessedEntity",
)
def delete_unprocessed(request: HttpRequest, entity_id: Annotated[str, Field(max_length=64)]) -> HttpResponse:
    """Drop a rejected entity from the list; it returns if its source still declares it."""
    if not entity_id.isdecimal() or len(entity_id) > 18 or not entity_id.isascii():
        raise NotFoundError(f"No unprocessed entity with id {entity_id}")
    if not changing.dismiss_problem(int(entity_id)):
        raise NotFoundError(f"No unprocessed entity with id {entity_id}")
    return HttpResponse(status=204)


def _canonical(text: str) -> str:
    try:
        return canonical(text, None, "default")
    except RefError:
        return ""


def _plain(*texts: str) -> bool:
    return not any("\0" in text for text in texts)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
