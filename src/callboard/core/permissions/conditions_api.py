"""What every plugin's API answers of its own permissions: which there are, and whether conditions are met."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest
from ninja import Field, Router, Schema
from pydantic import ConfigDict

from callboard.core.auth.api_auth import caller_of, signed_in
from callboard.core.auth.http_errors import ForbiddenError, InputError
from callboard.core.permissions.services import meeting
from callboard.core.permissions.wire import criteria_from_wire, permission_metadata
from callboard.core.registry.contract import ResourceType
from callboard.core.registry.store import registry

MAX_ITEMS = 1000
PATH = "/.well-known/backstage/permissions"


class ConditionIn(Schema):
    """A condition, and the resource or resources it is to be checked against."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(max_length=200)
    resourceRef: str | list[str]  # noqa: N815 - the name on the wire
    resourceType: str = Field(max_length=200)  # noqa: N815
    conditions: dict[str, Any]


class ConditionsIn(Schema):
    """Many conditions at once."""

    items: list[ConditionIn] = Field(max_length=MAX_ITEMS)


class DecisionOut(Schema):
    """``result`` is a list where ``resourceRef`` was one."""

    id: str
    result: str | list[str]


class DecisionsOut(Schema):
    """The answers, in the order of the questions."""

    items: list[DecisionOut]


class MetadataOut(Schema):
    """The permissions and rules of a plugin."""

    permissions: list[dict[str, Any]]
    rules: list[dict[str, Any]]


class ErrorOut(Schema):
    """The body of every error."""

    error: dict[str, Any]
    request: dict[str, Any]
    response: dict[str, Any]


_ERRORS: dict[int, Any] = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut}


def conditions_router(plugin: str) -> Router:
    """Answer the router with the two operations for one plugin."""
    router = Router(auth=signed_in(), tags=["permissions"])

    @router.get("/metadata", response={200: MetadataOut, **_ERRORS}, operation_id="GetPermissionMetadata")
    def metadata(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - ninja hands it over
        """Answer the permissions and rules of the plugin."""
        return permission_metadata(plugin)

    @router.post("/apply-conditions", response={200: DecisionsOut, **_ERRORS}, operation_id="ApplyConditions")
    def apply_conditions(request: HttpRequest, body: ConditionsIn) -> dict[str, Any]:
        """Say of resources whether they meet conditions. For programs: to people it would tell of hidden resources."""
        if caller_of(request).type not in {"service", "system"}:
            raise ForbiddenError("Conditions are applied for programs alone; people ask /api/permission/authorize")
        return {"items": _apply(plugin, body.items)}

    return router


def _apply(plugin: str, items: list[ConditionIn]) -> list[dict[str, Any]]:
    """Check items that share a condition in one query."""
    groups: dict[bytes, tuple[ConditionIn, set[str]]] = {}
    keys = []
    total = 0
    for index, item in enumerate(items):
        refs = item.resourceRef if isinstance(item.resourceRef, list) else [item.resourceRef]
        total += len(refs)
        if total > MAX_ITEMS:
            raise InputError(f"items: at most {MAX_ITEMS} resource references at once")
        if not refs or not all(_can_be_a_ref(ref) for ref in refs):
            raise InputError(f"items[{index}].resourceRef: expected one or more references, none of them empty")
        key = orjson.dumps([item.resourceType, item.conditions], option=orjson.OPT_SORT_KEYS)
        groups.setdefault(key, (item, set()))[1].update(refs)
        keys.append(key)
    met: dict[bytes, set[str]] = {}
    for key, (item, wanted) in groups.items():
        place = f"items[{keys.index(key)}]"
        kind = registry.find(ResourceType, item.resourceType)
        if kind is None or registry.owner_of(kind) != plugin:
            raise InputError(f"{place}.resourceType: {plugin} has no resources of type {item.resourceType!r}")
        met[key] = meeting(
            item.resourceType, wanted, criteria_from_wire(item.conditions, item.resourceType, f"{place}.conditions")
        )
    return [
        {"id": item.id, "result": _result(item.resourceRef, met[key])} for item, key in zip(items, keys, strict=True)
    ]


def _result(ref: str | list[str], met: set[str]) -> str | list[str]:
    if isinstance(ref, list):
        return ["ALLOW" if one in met else "DENY" for one in ref]
    return "ALLOW" if ref in met else "DENY"


def _can_be_a_ref(text: str) -> bool:
    return 0 < len(text) <= 1000 and "\0" not in text and text.isprintable()
