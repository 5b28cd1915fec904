"""Look at a location before it is registered: what it has, or what it could have."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from callboard.plugins.catalog.models import Emission
from callboard.plugins.catalog.services.locations import preview_location

_NAME = re.compile(r"[^a-z0-9]+")


def analyze_location(type_: str, target: str, file_name: str | None = None) -> dict[str, Any]:
    """Answer the entities of a location, and a suggestion where there is none.

    A repository or folder address is looked through for catalog files; the address of a file is that file.
    """
    preview = preview_location(type_, _with_file_name(target, file_name))
    known = set(
        Emission.objects.filter(location__in={e.location for e in preview.entities}).values_list("location", flat=True)
    )
    existing = [
        {
            "location": {"type": item.location.partition(":")[0], "target": item.location.partition(":")[2]},
            "isRegistered": item.location in known,
            "entity": item.entity,
        }
        for item in preview.entities
    ]
    return {"existingEntityFiles": existing, "generateEntities": [] if existing else [suggestion(target)]}


def _with_file_name(target: str, file_name: str | None) -> str:
    if not file_name or target.endswith((".yaml", ".yml")) or "/" in file_name:
        return target
    return f"{target.rstrip('/')}/{file_name}"


def suggestion(target: str) -> dict[str, Any]:
    """Suggest an entity for a repository that declares none, and say which fields a person must fill in."""
    path = urlsplit(target).path.removesuffix(".git")
    words = [part for part in path.split("/") if part and part not in {"blob", "tree", "main", "master", "-", "src"}]
    repository = "/".join(words[:2])
    name = _NAME.sub("-", (words[1] if len(words) > 1 else words[0] if words else "component").lower()).strip("-")[:63]
    host = urlsplit(target).hostname or ""
    annotations = {"github.com/project-slug": repository} if host == "github.com" and len(words) > 1 else {}
    entity = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name or "component", **({"annotations": annotations} if annotations else {})},
        "spec": {"type": "other", "lifecycle": "unknown"},
    }
    fields = [
        _field("metadata.name", "analysisSuggestedValue", name, "The name is taken from the address."),
        _field("spec.type", "analysisSuggestedValue", "other", "Say what it is: service, website, library …"),
        _field(
            "spec.lifecycle",
            "needsUserInput",
            None,
            "Say how far it is: experimental, production, deprecated.",
        ),
        _field("spec.owner", "needsUserInput", None, "Name the team that owns it."),
    ]
    return {"entity": entity, "fields": fields}


def _field(field: str, state: str, value: str | None, description: str) -> dict[str, Any]:
    return {"field": field, "state": state, "value": value, "description": description}
