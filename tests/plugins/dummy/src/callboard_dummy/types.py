"""The kind that the dummy plugin brings to the catalog, and the file format that it can read."""

from callboard.sdk.contributions import EntityKind, Relation, RelationField

API_VERSION = "dummy.example.org/v1"
LABEL = "dummy.example.org/seen"
"""What the first processor writes."""
STAMP = "dummy.example.org/stamped"
"""What the second processor writes."""

PUPPET = EntityKind(
    id="dummy.kind-puppet",
    title="Puppet",
    kind="Puppet",
    plural="puppets",
    api_versions=(API_VERSION,),
    icon="ghost",
    description="Something with strings.",
    schema={
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": {
                "type": "object",
                "required": ["strings"],
                "properties": {
                    "strings": {"type": "integer", "minimum": 1},
                    "handledBy": {"type": "string", "minLength": 1},
                },
            },
        },
    },
    relation_fields=(
        RelationField(
            path="spec.handledBy", relation="handledBy", default_kind="Group", allowed_kinds=("Group", "User")
        ),
    ),
)

HANDLING = Relation(
    id="dummy.relation-handling",
    title="Handled by",
    type="handledBy",
    inverse="handlerOf",
    inverse_title="Handler of",
)


def puppet(name: str, strings: int = 3, handler: str = "") -> dict[str, object]:
    """Answer a puppet as a catalog entity."""
    spec: dict[str, object] = {"strings": strings}
    if handler:
        spec["handledBy"] = handler
    return {"apiVersion": API_VERSION, "kind": "Puppet", "metadata": {"name": name}, "spec": spec}
