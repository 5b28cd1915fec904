"""The kinds of entity that come with the catalog, and the relations their fields make.

Other plugins add kinds the same way: as contributions. What a schema does not mention is allowed.
"""

from typing import Any

from callboard.sdk.contributions import EntityKind, Relation, RelationField

CORE_VERSIONS = ("backstage.io/v1alpha1", "backstage.io/v1beta1")
TEMPLATE_VERSIONS = ("scaffolder.backstage.io/v1beta3",)

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_ANY_TEXT: dict[str, Any] = {"type": "string"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_OBJECT: dict[str, Any] = {"type": "object"}
_PROFILE: dict[str, Any] = {
    "type": "object",
    "properties": {"displayName": _TEXT, "email": _TEXT, "picture": _TEXT},
}


def _schema(required: tuple[str, ...], properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a schema of the whole entity from what is said about its spec."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["spec"],
        "properties": {"spec": {"type": "object", "required": list(required), "properties": properties, **more}},
    }


_OWNER = RelationField(path="spec.owner", relation="ownedBy", default_kind="Group", allowed_kinds=("Group", "User"))
_SYSTEM = RelationField(path="spec.system", relation="partOf", default_kind="System", allowed_kinds=("System",))
_DEPENDS_ON = RelationField(
    path="spec.dependsOn",
    relation="dependsOn",
    default_kind=None,
    allowed_kinds=("Component", "Resource"),
)
_DEPENDENCY_OF = RelationField(
    path="spec.dependencyOf",
    relation="dependencyOf",
    default_kind=None,
    allowed_kinds=("Component", "Resource"),
)
_AI_DEPENDS_ON = RelationField(
    path="spec.dependsOn",
    relation="dependsOn",
    default_kind=None,
    allowed_kinds=("Component", "Resource", "AiResource", "API"),
)


COMPONENT = EntityKind(
    id="catalog.component",
    title="Component",
    kind="Component",
    plural="Components",
    icon="components",
    order=10,
    description="A piece of software: a service, a website, a library.",
    api_versions=CORE_VERSIONS,
    schema=_schema(
        ("type", "lifecycle", "owner"),
        {
            "type": _TEXT,
            "lifecycle": _TEXT,
            "owner": _TEXT,
            "system": _TEXT,
            "subcomponentOf": _TEXT,
            "providesApis": _TEXTS,
            "consumesApis": _TEXTS,
            "dependsOn": _TEXTS,
            "dependencyOf": _TEXTS,
        },
    ),
    relation_fields=(
        _OWNER,
        _SYSTEM,
        RelationField(
            path="spec.subcomponentOf",
            relation="partOf",
            default_kind="Component",
            allowed_kinds=("Component",),
        ),
        RelationField(path="spec.providesApis", relation="providesApi", default_kind="API", allowed_kinds=("API",)),
        RelationField(path="spec.consumesApis", relation="consumesApi", default_kind="API", allowed_kinds=("API",)),
        _DEPENDS_ON,
        _DEPENDENCY_OF,
    ),
)

API = EntityKind(
    id="catalog.api",
    title="API",
    kind="API",
    plural="APIs",
    icon="api",
    order=20,
    description="An interface that components provide and consume, with its definition.",
    api_versions=CORE_VERSIONS,
    schema=_schema(
        ("type", "lifecycle", "owner"),
        {"type": _TEXT, "lifecycle": _TEXT, "owner": _TEXT, "system": _TEXT, "definition": _TEXT},
        # An MCP server is described by where it listens; every other API by its definition.
        **{
            "if": {"required": ["type"], "properties": {"type": {"const": "mcp-server"}}},
            "then": {
                "anyOf": [{"required": ["remotes"]}, {"required": ["definition"]}],
                "properties": {
                    "remotes": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["type", "url"],
                            "properties": {"type": _TEXT, "url": _TEXT},
                        },
                    }
                },
            },
            "else": {"required": ["definition"]},
        },
    ),
    relation_fields=(_OWNER, _SYSTEM),
)

RESOURCE = EntityKind(
    id="catalog.resource",
    title="Resource",
    kind="Resource",
    plural="Resources",
    icon="database",
    order=30,
    description="What components need to run: a database, a bucket, a topic.",
    api_versions=CORE_VERSIONS,
    schema=_schema(
        ("type", "owner"),
        {"type": _TEXT, "owner": _TEXT, "system": _TEXT, "dependsOn": _TEXTS, "dependencyOf": _TEXTS},
    ),
    relation_fields=(_OWNER, _SYSTEM, _DEPENDS_ON, _DEPENDENCY_OF),
)

SYSTEM = EntityKind(
    id="catalog.system",
    title="System",
    kind="System",
    plural="Systems",
    icon="topology-star-3",
    order=40,
    description="Components, APIs and resources that together do one job.",
    api_versions=CORE_VERSIONS,
    schema=_schema(("owner",), {"owner": _TEXT, "domain": _TEXT, "type": _TEXT}),
    relation_fields=(
        _OWNER,
        RelationField(path="spec.domain", relation="partOf", default_kind="Domain", allowed_kinds=("Domain",)),
    ),
)

DOMAIN = EntityKind(
    id="catalog.domain",
    title="Domain",
    kind="Domain",
    plural="Domains",
    icon="sitemap",
    order=50,
    description="An area of the business that systems belong to.",
    api_versions=CORE_VERSIONS,
    schema=_schema(("owner",), {"owner": _TEXT, "subdomainOf": _TEXT, "type": _TEXT}),
    relation_fields=(
        _OWNER,
        RelationField(path="spec.subdomainOf", relation="partOf", default_kind="Domain", allowed_kinds=("Domain",)),
    ),
)

GROUP = EntityKind(
    id="catalog.group",
    title="Group",
    kind="Group",
    plural="Groups",
    icon="users-group",
    order=60,
    description="A team or another unit of the organisation.",
    api_versions=CORE_VERSIONS,
    schema=_schema(
        ("type", "children"),
        {"type": _TEXT, "parent": _TEXT, "children": _TEXTS, "members": _TEXTS, "profile": _PROFILE},
    ),
    relation_fields=(
        RelationField(path="spec.parent", relation="childOf", default_kind="Group", allowed_kinds=("Group",)),
        RelationField(path="spec.children", relation="parentOf", default_kind="Group", allowed_kinds=("Group",)),
        RelationField(path="spec.members", relation="hasMember", default_kind="User", allowed_kinds=("User",)),
    ),
)

USER = EntityKind(
    id="catalog.user",
    title="User",
    kind="User",
    plural="Users",
    icon="user",
    order=70,
    description="A person of the organisation.",
    api_versions=CORE_VERSIONS,
    # Elsewhere memberOf must be given, if only as an empty list; leaving it out says the same.
    schema=_schema((), {"memberOf": _TEXTS, "profile": _PROFILE}),
    relation_fields=(
        RelationField(path="spec.memberOf", relation="memberOf", default_kind="Group", allowed_kinds=("Group",)),
    ),
)

LOCATION = EntityKind(
    id="catalog.location",
    title="Location",
    kind="Location",
    plural="Locations",
    icon="map-pin",
    order=90,
    description="A pointer to further files with entities.",
    api_versions=CORE_VERSIONS,
    schema=_schema(
        (),
        {
            "type": _TEXT,
            "target": _TEXT,
            "targets": _TEXTS,
            "presence": {"type": "string", "enum": ["required", "optional"]},
        },
    ),
)

_STEP: dict[str, Any] = {
    "type": "object",
    "required": ["action"],
    "properties": {
        "id": _ANY_TEXT,
        "name": _ANY_TEXT,
        "action": _ANY_TEXT,
        "input": _OBJECT,
        "if": {"type": ["string", "boolean"]},
        "each": {"type": ["string", "array", "object"]},
    },
}

TEMPLATE = EntityKind(
    id="catalog.template",
    title="Template",
    kind="Template",
    plural="Templates",
    icon="template",
    order=80,
    description="A form and the steps that create something from its answers.",
    api_versions=TEMPLATE_VERSIONS,
    schema=_schema(
        ("type", "steps"),
        {
            "type": _TEXT,
            "owner": _TEXT,
            "lifecycle": _TEXT,
            "parameters": {"type": ["object", "array"], "items": _OBJECT},
            "steps": {"type": "array", "items": _STEP},
            "output": {
                "type": "object",
                "properties": {
                    "links": {"type": "array", "items": _OBJECT},
                    "text": {"type": "array", "items": _OBJECT},
                },
            },
            "presentation": {
                "type": "object",
                "properties": {
                    "buttonLabels": {
                        "type": "object",
                        "properties": {
                            "backButtonText": _ANY_TEXT,
                            "createButtonText": _ANY_TEXT,
                            "reviewButtonText": _ANY_TEXT,
                        },
                    }
                },
            },
            "secrets": {"type": "object", "properties": {"schema": _OBJECT}},
            "formDecorators": {"type": "array", "items": _OBJECT},
            "EXPERIMENTAL_formDecorators": {"type": "array", "items": _OBJECT},
        },
    ),
    relation_fields=(_OWNER,),
)

AI_RESOURCE = EntityKind(
    id="catalog.ai-resource",
    title="AI resource",
    kind="AiResource",
    plural="AI resources",
    icon="robot",
    order=75,
    description="Something coding agents work with: a skill, a rule, a plugin, a marketplace.",
    api_versions=CORE_VERSIONS,
    schema=_schema(
        ("type", "lifecycle", "owner"),
        {
            "type": _TEXT,
            "lifecycle": _TEXT,
            "owner": _TEXT,
            "system": _TEXT,
            "disciplines": _TEXTS,
            "categories": _TEXTS,
            "agents": _TEXTS,
            "dependsOn": _TEXTS,
            "category": _TEXT,
            "rationale": _TEXT,
        },
    ),
    relation_fields=(_OWNER, _SYSTEM, _AI_DEPENDS_ON),
)

BUILTIN_KINDS: tuple[EntityKind, ...] = (
    COMPONENT,
    API,
    RESOURCE,
    SYSTEM,
    DOMAIN,
    GROUP,
    USER,
    AI_RESOURCE,
    TEMPLATE,
    LOCATION,
)

BUILTIN_RELATIONS: tuple[Relation, ...] = (
    Relation(id="catalog.owned-by", type="ownedBy", inverse="ownerOf", title="Owned by", inverse_title="Owner of"),
    Relation(
        id="catalog.provides-api",
        type="providesApi",
        inverse="apiProvidedBy",
        title="Provides API",
        inverse_title="API provided by",
    ),
    Relation(
        id="catalog.consumes-api",
        type="consumesApi",
        inverse="apiConsumedBy",
        title="Consumes API",
        inverse_title="API consumed by",
    ),
    Relation(
        id="catalog.depends-on",
        type="dependsOn",
        inverse="dependencyOf",
        title="Depends on",
        inverse_title="Dependency of",
    ),
    Relation(id="catalog.part-of", type="partOf", inverse="hasPart", title="Part of", inverse_title="Has part"),
    Relation(
        id="catalog.parent-of",
        type="parentOf",
        inverse="childOf",
        title="Parent of",
        inverse_title="Child of",
    ),
    Relation(
        id="catalog.member-of",
        type="memberOf",
        inverse="hasMember",
        title="Member of",
        inverse_title="Has member",
    ),
)
