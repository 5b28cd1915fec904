"""Locations: register, list, change, unregister, analyse."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query

from callboard.lib.problems import ProblemError
from callboard.plugins.catalog.api.answers import json_value, read_predicate
from callboard.plugins.catalog.api.entities import ERRORS, missing
from callboard.plugins.catalog.api.schemas import (
    AnalyzeIn,
    AnalyzeOut,
    ErrorOut,
    LocationCreatedOut,
    LocationDataOut,
    LocationIn,
    LocationOut,
    LocationPageOut,
    LocationQueryIn,
    LocationUpdateIn,
)
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.selectors import sources as reading
from callboard.plugins.catalog.services import analysing
from callboard.plugins.catalog.services import locations as changing
from callboard.plugins.catalog.types.cursors import CursorError, decode, encode
from callboard.sdk.api import ConflictError, InputError, NotFoundError, router

api = router(tags=["Locations"])


def shape(source: Source) -> dict[str, Any]:
    """Answer a registered location as clients know it."""
    return {
        "id": str(source.uid),
        "type": source.type,
        "target": source.target,
        "entityRef": changing.location_entity_ref(source.type, source.target),
    }


@api.post("/locations", response={201: LocationCreatedOut, 409: ErrorOut, **ERRORS}, operation_id="CreateLocation")
def create_location(
    request: HttpRequest,
    body: LocationIn,
    dryRun: Annotated[str | None, Query()] = None,
    onConflict: Annotated[Literal["refresh", "reject"], Query()] = "reject",
) -> HttpResponse:
    """Register a location, or with `dryRun` answer what it would bring.

    One that is registered already is a conflict; `onConflict=refresh` has it read again instead.
    """
    try:
        if dryRun in {"true", "1", "yes"}:
            return json_value(_dry_run(body), 201)
        source = changing.register_location(body.type, body.target, body.presence)
    except ProblemError as error:
        raise InputError(str(error)) from error
    except changing.LocationExistsError as error:
        if onConflict == "reject":
            raise ConflictError(str(error)) from error
        source = changing.refresh_location(body.type, body.target)
    return json_value({"location": shape(source), "entities": []}, 201)


def _dry_run(body: LocationIn) -> dict[str, Any]:
    preview = changing.preview_location(body.type, body.target)
    bad = [item.problem for item in preview.problems if item.problem.severity == "error"]
    if bad:
        raise InputError("; ".join(str(problem) for problem in bad[:20]))
    location = Source(type=body.type, target=body.target, uid=uuid.uuid4())
    return {
        "location": shape(location),
        "entities": [changing.location_entity(preview.location), *(item.entity for item in preview.entities)],
        "exists": preview.exists,
        **({"notes": [entry.as_dict() for entry in preview.notes]} if preview.notes else {}),
    }


@api.get("/locations", response={200: list[LocationDataOut], **ERRORS}, operation_id="GetLocations")
def get_locations(request: HttpRequest) -> HttpResponse:
    """List the registered locations."""
    return json_value([{"data": shape(source)} for source in reading.registered()])


@api.post("/locations/by-query", response={200: LocationPageOut, **ERRORS}, operation_id="GetLocationsByQuery")
def query_locations(request: HttpRequest, body: LocationQueryIn) -> HttpResponse:
    """Answer a page of registered locations."""
    after, query = 0, body.query
    limit = 1000 if body.limit is None else body.limit
    if body.cursor:
        try:
            place = decode(body.cursor)
        except CursorError as error:
            raise InputError(str(error)) from error
        after, query = place.get("after", -1), place.get("query")
        if body.limit is None:
            limit = place.get("limit", limit)
        numbers = _number(after, 2**62) and _number(limit, 10_001)
        if not numbers or not isinstance(query, dict | None):
            raise InputError("Malformed cursor, could not be parsed")
    items, total, last = reading.page_of_registered(read_predicate(query), limit, after)
    info = {"nextCursor": encode({"after": last, "query": query, "limit": limit})} if last else {}
    return json_value({"items": [shape(s) for s in items], "totalItems": total, "pageInfo": info})


@api.get("/locations/{id}", response={200: LocationOut, **ERRORS}, operation_id="GetLocation")
def get_location(request: HttpRequest, id: str) -> HttpResponse:
    """Answer one registered location."""
    return json_value(shape(_find(id)))


@api.put(
    "/locations/{id}",
    response={200: LocationOut, 409: ErrorOut, **ERRORS},
    operation_id="UpdateLocation",
)
def put_location(request: HttpRequest, id: str, body: LocationUpdateIn) -> HttpResponse:
    """Point a registered location at another target; its id stays."""
    try:
        moved = changing.move_location(id, body.type, body.target)
    except changing.LocationMissingError as error:
        raise NotFoundError(str(error)) from error
    except ProblemError as error:
        raise InputError(str(error)) from error
    except changing.LocationExistsError as error:
        raise ConflictError(str(error)) from error
    return json_value(shape(moved))


@api.delete("/locations/{id}", response={204: None, **ERRORS}, operation_id="DeleteLocation")
def delete_location(request: HttpRequest, id: str) -> HttpResponse:
    """Unregister a location; what it alone brought goes too."""
    try:
        changing.unregister_location(id)
    except changing.LocationMissingError as error:
        raise NotFoundError(str(error)) from error
    return HttpResponse(status=204)


@api.get(
    "/locations/by-entity/{kind}/{namespace}/{name}",
    response={200: LocationOut, **ERRORS},
    operation_id="GetLocationByEntity",
)
def get_location_by_entity(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Answer the registered location that an entity came through."""
    ref = f"{kind}:{namespace}/{name}".lower()
    source = None if "\0" in ref else reading.registration_of(ref)
    if source is None:
        raise missing(kind, namespace, name)
    return json_value(shape(source))


@api.post("/analyze-location", response={200: AnalyzeOut, **ERRORS}, operation_id="AnalyzeLocation")
def analyze(request: HttpRequest, body: AnalyzeIn) -> HttpResponse:
    """Say which entities a location has already, or suggest one."""
    try:
        found = analysing.analyze_location(body.location.type, body.location.target, body.catalogFilename)
    except ProblemError as error:
        raise InputError(str(error)) from error
    return json_value(found)


def _number(value: Any, below: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below


def _find(text: str) -> Source:
    source = reading.registered_by_id(text)
    if source is None:
        raise NotFoundError(f"Found no location with ID {text}")
    return source
