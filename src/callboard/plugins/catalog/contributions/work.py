"""Say what happens in the catalog and what is done in the background: events and jobs."""

from __future__ import annotations

from callboard.plugins.catalog import jobs
from callboard.plugins.catalog.selectors import measures
from callboard.sdk.contributions import Contribution, EventType, Job, Metric, Service

_REFS = {"type": "array", "items": {"type": "string"}}
_LOCATION = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "type": {"type": "string"}, "target": {"type": "string"}},
    "required": ["id", "type", "target"],
}

events: tuple[EventType, ...] = (
    EventType(
        id="catalog.entities-changed",
        title="Entities changed",
        description="Entities were created, changed or removed; one event for each batch that was applied.",
        schema={
            "type": "object",
            "properties": {"created": _REFS, "changed": _REFS, "removed": _REFS},
            "required": ["created", "changed", "removed"],
        },
    ),
    EventType(
        id="catalog.set-pushed",
        title="Entities pushed",
        description="A push changed entities of a set, or rejected some; `counts` says how many of each.",
        schema={
            "type": "object",
            "properties": {"set": {"type": "string"}, "counts": {"type": "object"}},
            "required": ["set", "counts"],
        },
    ),
    EventType(
        id="catalog.deletion-held",
        title="Deletion held",
        description="A source suddenly no longer says most of what it said; its entities stay until somebody decides.",
        schema={
            "type": "object",
            "properties": {"source": {"type": "string"}, "count": {"type": "integer"}, "known": {"type": "integer"}},
            "required": ["source", "count", "known"],
        },
    ),
    EventType(id="catalog.location-registered", title="Location registered", schema=_LOCATION),
    EventType(id="catalog.location-unregistered", title="Location unregistered", schema=_LOCATION),
)

background: tuple[Job, ...] = (
    Job(
        id="catalog.process",
        title="Read locations that are due",
        run=jobs.process,
        schedule="* * * * *",
        lock="catalog.process",
        retries=3,
        hidden=True,
    ),
    Job(id="catalog.provide", title="Run a catalog provider", run=jobs.provide, retries=2),
    Job(id="catalog.forget", title="Drop expired tombstones", run=jobs.forget, schedule="17 3 * * *", hidden=True),
)

services: tuple[Service, ...] = (
    Service(id="catalog.local-files", title="Watch local catalog files", run=jobs.keep_local_files_fresh),
)

metrics: tuple[Metric, ...] = (
    Metric(
        id="catalog.entities",
        title="Entities by kind",
        name="callboard_catalog_entities",
        unit="entities",
        read=measures.entities,
    ),
    Metric(
        id="catalog.locations",
        title="Locations by state: ok or failing",
        name="callboard_catalog_locations",
        unit="locations",
        read=measures.locations,
    ),
    Metric(
        id="catalog.problems",
        title="Problems on the ingestion page, by code",
        name="callboard_catalog_problems",
        unit="problems",
        read=measures.problems,
    ),
)

contributions: tuple[Contribution, ...] = (*events, *background, *services, *metrics)
