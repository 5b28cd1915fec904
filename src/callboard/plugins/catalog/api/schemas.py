"""Shapes of the catalog API, for its OpenAPI document and for checking what comes in."""

from __future__ import annotations

from typing import Any, Literal, Self

import orjson
from ninja import Schema
from pydantic import ConfigDict, Field, model_validator


class Input(Schema):
    """A body that comes in. Text that no database can hold, and that thus matches nothing, is refused."""

    @model_validator(mode="after")
    def _searchable(self) -> Self:
        try:
            text = orjson.dumps(self.model_dump(exclude={"entity"}))
        except TypeError as error:
            raise ValueError(f"the body holds what is no text or number: {error}") from error
        if b"\\u0000" in text:
            raise ValueError("a null character matches nothing")
        return self


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


class QueryIn(Input):
    """What `POST /entities/by-query` takes; a cursor brings everything but `limit` and `fields`."""

    cursor: str | None = None
    limit: int | None = Field(default=None, ge=0, le=10_000)
    offset: int | None = Field(default=None, ge=0, le=1_000_000_000)
    orderBy: OrderIn | list[OrderIn] | None = None
    fullTextFilter: FullTextIn | None = None
    fields: list[str] | None = None
    query: dict[str, Any] | None = None
    totalItems: Literal["include", "exclude"] | None = None


class RefsIn(Input):
    """Refs of the entities that are wanted."""

    entityRefs: list[str] = Field(max_length=10_000)
    fields: list[str] | None = None
    query: dict[str, Any] | None = None


class RefsOut(Schema):
    """Entities in the order of the refs; null where there is none to see."""

    items: list[EntityOut | None]


class FacetsIn(Input):
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


class RefreshIn(Input):
    """The entity whose source is to be read again."""

    model_config = ConfigDict(extra="allow")

    entityRef: str


class ValidateIn(Input):
    """An entity and the location it would stand at."""

    entity: Any = Field(description="The entity; whatever is wrong with it stands in the answer.")
    location: str = Field(description="A location ref such as `url:https://host/path/catalog-info.yaml`.")


class LocationIn(Input):
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
    notes: list[dict[str, Any]] | None = None


class LocationUpdateIn(Input):
    """The new type and target of a location."""

    type: str
    target: str = Field(min_length=1, max_length=2000)


class LocationQueryIn(Input):
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


class AnalyzeIn(Input):
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


class PushIn(Input):
    """Entities to create or update in a set, and refs to remove from it."""

    entities: list[dict[str, Any]] = Field(default_factory=list, max_length=20_000)
    remove: list[str] = Field(default_factory=list, max_length=20_000)


class PushReplaceIn(Input):
    """All entities that a set holds from now on."""

    entities: list[dict[str, Any]] = Field(max_length=20_000)


class PushProblemOut(Schema):
    """What is wrong with an item, where in it, and how to mend it."""

    code: str
    severity: Literal["info", "warning", "error"]
    message: str
    remedy: str
    path: str


class PushedItemOut(Schema):
    """What became of one item; `index` is its place in the request."""

    ref: str
    result: Literal["created", "changed", "unchanged", "rejected", "removed", "absent", "held"]
    index: int | None = None
    problems: list[PushProblemOut] | None = None


class PushedOut(Schema):
    """What a push did, or would do."""

    set: str
    dryRun: bool
    counts: dict[str, int]
    items: list[PushedItemOut]


class PushSetOut(Schema):
    """A set of pushed entities."""

    name: str
    entities: int
    problems: int
    pushedAt: str | None = None
    pushedBy: str
    changedAt: str | None = None


class PushSetDetailOut(PushSetOut):
    """A set with the refs of its entities."""

    entityRefs: list[str]


class SourceOut(Schema):
    """What emits entities."""

    type: str
    target: str


class HeldOut(Schema):
    """A mass deletion that waits: `id` is that of its source."""

    id: str
    source: SourceOut
    state: Literal["open", "kept"]
    entityRefs: list[str]
    known: int
    since: str


class HeldDecisionIn(Input):
    """What to do with a held deletion."""

    decision: Literal["confirm", "keep"]


class FreshnessOut(Schema):
    """How fresh an entity is."""

    entityRef: str
    source: SourceOut
    location: str
    line: int | None = None
    lastSeen: str | None = None
    lastGood: str | None = None
    lastChanged: str
    nextRefresh: str | None = None
    failures: int
    held: bool
    orphan: bool
