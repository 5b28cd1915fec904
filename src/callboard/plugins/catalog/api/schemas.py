"""Shapes of the catalog API, for its OpenAPI document and for checking what comes in."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field


class EntityOut(Schema):
    """An entity; with `fields` it has only what was asked for."""

    model_config = ConfigDict(extra="allow")

    apiVersion: str | None = None
    kind: str | None = None
    metadata: dict[str, Any] | None = None
    spec: dict[str, Any] | None = None
    relations: list[dict[str, Any]] | None = None
    status: dict[str, Any] | None = None


class PageInfo(Schema):
    """Cursors to the neighbouring pages."""

    nextCursor: str | None = None
    prevCursor: str | None = None


class EntityPageOut(Schema):
    """A page of entities."""

    items: list[EntityOut]
    totalItems: int | None = None
    pageInfo: PageInfo


class OrderIn(Schema):
    """One field to order by."""

    field: str
    order: Literal["asc", "desc"] = "asc"


class FullTextIn(Schema):
    """A term to look for."""

    term: str
    fields: list[str] | None = None


class QueryIn(Schema):
    """What `POST /entities/by-query` takes; a cursor brings everything but `limit` and `fields`."""

    cursor: str | None = None
    limit: int | None = Field(default=None, ge=0, le=10_000)
    offset: int | None = Field(default=None, ge=0, le=1_000_000_000)
    orderBy: OrderIn | list[OrderIn] | None = None
    fullTextFilter: FullTextIn | None = None
    fields: list[str] | None = None
    query: dict[str, Any] | None = None
    totalItems: Literal["include", "exclude"] | None = None


class RefsIn(Schema):
    """Refs of the entities that are wanted."""

    entityRefs: list[str] = Field(max_length=10_000)
    fields: list[str] | None = None
    query: dict[str, Any] | None = None


class RefsOut(Schema):
    """Entities in the order of the refs; null where there is none to see."""

    items: list[EntityOut | None]


class FacetsIn(Schema):
    """Facets to count, and of which entities."""

    facets: list[str] = Field(min_length=1, max_length=50)
    query: dict[str, Any] | None = None


class FacetValue(Schema):
    """A value and how many entities have it."""

    value: str
    count: int


class FacetsOut(Schema):
    """Counts by facet."""

    facets: dict[str, list[FacetValue]]


class AncestryItem(Schema):
    """An entity and what emitted it."""

    entity: EntityOut
    parentEntityRefs: list[str]


class AncestryOut(Schema):
    """An entity, what emitted it, what emitted that, up to the registration."""

    rootEntityRef: str
    items: list[AncestryItem]


class RefreshIn(Schema):
    """The entity whose source is to be read again."""

    model_config = ConfigDict(extra="allow")

    entityRef: str


class ValidateIn(Schema):
    """An entity and the location it would stand at."""

    entity: dict[str, Any]
    location: str


class LocationIn(Schema):
    """A location to register."""

    type: str
    target: str = Field(min_length=1, max_length=2000)
    presence: Literal["required", "optional"] = "required"


class LocationOut(Schema):
    """A registered location."""

    id: str
    type: str
    target: str
    entityRef: str


class LocationDataOut(Schema):
    """A registered location, as lists have it."""

    data: LocationOut


class LocationCreatedOut(Schema):
    """The location and, in a dry run, what it would bring."""

    location: LocationOut
    entities: list[EntityOut]
    exists: bool | None = None


class LocationUpdateIn(Schema):
    """The new type and target of a location."""

    type: str
    target: str = Field(min_length=1, max_length=2000)


class LocationQueryIn(Schema):
    """Which registered locations are wanted."""

    cursor: str | None = None
    limit: int | None = Field(default=None, ge=0, le=10_000)
    query: dict[str, Any] | None = None


class LocationPageOut(Schema):
    """A page of registered locations."""

    items: list[LocationOut]
    totalItems: int
    pageInfo: PageInfo


class AnalyzeTarget(Schema):
    """The location to look at."""

    type: str
    target: str = Field(min_length=1, max_length=2000)


class AnalyzeIn(Schema):
    """A location to look at before it is registered."""

    location: AnalyzeTarget
    catalogFilename: str | None = None


class ExistingFile(Schema):
    """An entity that the location has already."""

    location: dict[str, str]
    isRegistered: bool
    entity: EntityOut


class SuggestedField(Schema):
    """A field of a suggested entity."""

    field: str
    state: Literal["analysisSuggestedValue", "analysisSuggestedNoValue", "needsUserInput"]
    value: str | None = None
    description: str


class GeneratedEntity(Schema):
    """A suggestion for a repository that has no catalog file."""

    entity: dict[str, Any]
    fields: list[SuggestedField]


class AnalyzeOut(Schema):
    """What there is at the location, or what could be."""

    existingEntityFiles: list[ExistingFile]
    generateEntities: list[GeneratedEntity]


class UnprocessedOut(Schema):
    """Entities that could not be used, or are not read yet."""

    entities: list[dict[str, Any]]
    type: str


class ErrorDetail(Schema):
    """What went wrong."""

    model_config = ConfigDict(extra="allow")

    name: str
    message: str


class ErrorOut(Schema):
    """The body of every error."""

    model_config = ConfigDict(extra="allow")

    error: ErrorDetail
    request: dict[str, Any]
    response: dict[str, Any]


class ErrorsOut(Schema):
    """The body of a failed validation."""

    errors: list[ErrorDetail]
