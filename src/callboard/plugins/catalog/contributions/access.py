"""Say what may be allowed in the catalog: permissions, rules on entities, and how rules are applied."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from callboard.plugins.catalog.models import Entity
from callboard.plugins.catalog.selectors import rules
from callboard.sdk.contributions import Contribution, Permission, ResourceType, Rule

ENTITY = "catalog-entity"


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
    Permission(id="catalog.entity.update", title="Change entities", action="update", resource_type=ENTITY),
    Permission(id="catalog.entity.delete", title="Remove entities", action="delete", resource_type=ENTITY),
    # Reading a source again changes nothing that its owner has not changed, so everybody may ask for it.
    Permission(
        id="catalog.entity.refresh", title="Refresh entities", action="update", resource_type=ENTITY, harmless=True
    ),
    Permission(id="catalog.entity.validate", title="Check entities", action="read"),
    Permission(id="catalog.location.read", title="See registered locations", action="read"),
    Permission(id="catalog.location.create", title="Register locations", action="create"),
    Permission(id="catalog.location.analyze", title="Look at locations before registering them", action="create"),
    Permission(id="catalog.location.delete", title="Unregister locations", action="delete"),
    Permission(id="catalog.entities.unprocessed.delete", title="Dismiss rejected entities", action="delete"),
    Permission(id="catalog.set.push", title="Push entities in sets", action="update"),
    Permission(id="catalog.deletion.decide", title="Decide on held deletions", action="delete"),
    Permission(id="catalog.view.create", title="Save views of the catalog", action="create", harmless=True),
    Permission(
        id="catalog.view.publish",
        title="Save views for everybody, and remove those of others",
        action="update",
        description="Views for oneself and for one's own groups need only the permission to save views.",
        administrative=True,
    ),
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

contributions: tuple[Contribution, ...] = (
    *permissions,
    *permission_rules,
    ResourceType(
        id=ENTITY,
        title="Entity",
        queryset=Entity.objects.all,
        lookup=lambda ref: Q(ref=ref.lower()),
        ref_field="ref",
        canonical=str.lower,
    ),
)
