"""Everything the catalog adds to the portal."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from callboard.plugins.catalog import cli, jobs
from callboard.plugins.catalog.api.router import api
from callboard.plugins.catalog.models import Entity
from callboard.plugins.catalog.selectors import rules
from callboard.plugins.catalog.selectors.people import CatalogDirectory
from callboard.plugins.catalog.services.demo import load_demo
from callboard.plugins.catalog.types.kinds import BUILTIN_KINDS, BUILTIN_RELATIONS
from callboard.sdk.auth import use_people_directory
from callboard.sdk.contributions import (
    ApiRouter,
    CliCommand,
    Contribution,
    DemoData,
    EventType,
    Job,
    Permission,
    ResourceType,
    Rule,
)

ENTITY = "catalog-entity"

use_people_directory(CatalogDirectory())


def _rule(name: str, query: Any, reason: str, properties: dict[str, Any], required: list[str], text: str) -> Rule:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return Rule(
        id=name,
        title=text,
        resource_type=ENTITY,
        params_schema=schema,
        query=query,
        reason=lambda params: reason.format(**{key: params.get(key, "") for key in properties}),
        description=text,
    )


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT}

permissions: tuple[Permission, ...] = (
    Permission(id="catalog.entity.read", title="See entities", action="read", resource_type=ENTITY),
    Permission(id="catalog.entity.create", title="Create entities", action="create"),
    Permission(id="catalog.entity.delete", title="Remove entities", action="delete", resource_type=ENTITY),
    # Reading a source again changes nothing that its owner has not changed, so everybody may ask for it.
    Permission(id="catalog.entity.refresh", title="Refresh entities", action="update", resource_type=ENTITY),
    Permission(id="catalog.entity.validate", title="Check entities", action="read"),
    Permission(id="catalog.location.read", title="See registered locations", action="read"),
    Permission(id="catalog.location.create", title="Register locations", action="create"),
    Permission(id="catalog.location.analyze", title="Look at locations before registering them", action="create"),
    Permission(id="catalog.location.delete", title="Unregister locations", action="delete"),
    Permission(id="catalog.entities.unprocessed.delete", title="Dismiss rejected entities", action="delete"),
    Permission(id="catalog.provider.run", title="Run providers", action="update"),
)

permission_rules: tuple[Rule, ...] = (
    _rule(
        "HAS_ANNOTATION",
        rules.has_annotation,
        "it has the annotation {annotation}",
        {"annotation": _TEXT, "value": _TEXT},
        ["annotation"],
        "Entities that have an annotation, with a value if one is given",
    ),
    _rule(
        "HAS_LABEL",
        rules.has_label,
        "it has the label {label}",
        {"label": _TEXT, "value": _TEXT},
        ["label"],
        "Entities that have a label",
    ),
    _rule(
        "HAS_METADATA",
        rules.has_metadata,
        "it has metadata {key}",
        {"key": _TEXT, "value": _TEXT},
        ["key"],
        "Entities that have a metadata field, with a value if one is given",
    ),
    _rule(
        "HAS_SPEC",
        rules.has_spec,
        "it has spec {key}",
        {"key": _TEXT, "value": _TEXT},
        ["key"],
        "Entities that have a spec field, with a value if one is given",
    ),
    _rule(
        "IS_ENTITY_KIND",
        rules.is_entity_kind,
        "its kind is one of {kinds}",
        {"kinds": _TEXTS},
        ["kinds"],
        "Entities of certain kinds",
    ),
    _rule(
        "IS_ENTITY_OWNER",
        rules.is_entity_owner,
        "it is owned by one of {claims}",
        {"claims": _TEXTS},
        ["claims"],
        "Entities that are owned by certain people or groups",
    ),
)

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
    Job(id="catalog.follow-config", title="Register configured locations", run=jobs.follow_config, hidden=True),
    Job(id="catalog.forget", title="Drop expired tombstones", run=jobs.forget, schedule="17 3 * * *", hidden=True),
)

contributions: tuple[Contribution, ...] = (
    *BUILTIN_KINDS,
    *BUILTIN_RELATIONS,
    *permissions,
    *permission_rules,
    ResourceType(
        id=ENTITY,
        title="Entity",
        queryset=Entity.objects.all,
        lookup=lambda ref: Q(ref=ref.lower()),
    ),
    *events,
    *background,
    ApiRouter(
        id="catalog.api",
        title="Catalog",
        prefix="catalog",
        router=api,
        description="Entities, their relations and where they come from.",
    ),
    CliCommand(id="catalog.cli", title="Catalog", name="catalog", app=cli.app),
    DemoData(id="catalog.demo", title="The Limelight organisation", load=load_demo),
)
