"""Answer what callers may do: the authorisation endpoint that clients of the original know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from ninja import Field, Schema
from pydantic import ConfigDict

from callboard.sdk.api import InputError, caller_of, router
from callboard.sdk.contributions import Permission
from callboard.sdk.permissions import Decision, authorize_many, criteria_to_wire
from callboard.sdk.plugins import contribution, registry

MAX_ITEMS = 1000
MAX_REFS = 1000
NAME_LENGTH = 200
REF_LENGTH = 1000

api = router(tags=["permission"])


class PermissionIn(Schema):
    """The permission asked about; its name is what counts."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1, max_length=NAME_LENGTH)


class Question(Schema):
    """May the caller use this permission, on this resource or on each of these?"""

    model_config = ConfigDict(extra="allow")

    id: str = Field(max_length=NAME_LENGTH)
    permission: PermissionIn
    resourceRef: str | list[str] | None = None


class Questions(Schema):
    """Many questions at once."""

    items: list[Question] = Field(max_length=MAX_ITEMS)


class Answer(Schema):
    """``result`` is a list where ``resourceRef`` was one."""

    id: str
    result: str | list[str]
    reason: str | None = None
    pluginId: str | None = None
    resourceType: str | None = None
    conditions: dict[str, Any] | None = None


class Answers(Schema):
    """The answers, in the order of the questions."""

    items: list[Answer]


class ErrorOut(Schema):
    """The body of every error."""

    error: dict[str, Any]
    request: dict[str, Any]
    response: dict[str, Any]


@api.post(
    "/authorize",
    response={200: Answers, 400: ErrorOut, 401: ErrorOut, 403: ErrorOut},
    exclude_none=True,
    operation_id="authorize",
)
def authorize_items(request: HttpRequest, body: Questions) -> dict[str, Any]:
    """Answer ALLOW or DENY for each question, with the reason.

    A question without a resource may be answered CONDITIONAL, to programs alone: they know what to do
    with a condition. People are asked to name the resource.
    """
    refs = sum(len(item.resourceRef) for item in body.items if isinstance(item.resourceRef, list))
    if refs > MAX_REFS:
        raise InputError(f"items: at most {MAX_REFS} resource references at once, got {refs}")
    questions = [(item.permission.name, ref) for index, item in enumerate(body.items) for ref in _refs(item, index)]
    decisions = iter(authorize_many(questions))
    return {"items": [_answer(request, item, index, decisions) for index, item in enumerate(body.items)]}


def _refs(item: Question, index: int) -> list[str]:
    """Answer the refs of a question, an empty one for a question without."""
    ref = item.resourceRef
    if isinstance(ref, list):
        if not ref or not all(map(_can_be_a_ref, ref)):
            raise InputError(f"items[{index}].resourceRef: expected one or more references, none of them empty")
        return ref
    if ref is not None and not _can_be_a_ref(ref):
        raise InputError(f"items[{index}].resourceRef: expected a reference, got an empty or unusable text")
    return [ref or ""]


def _answer(request: HttpRequest, item: Question, index: int, decisions: Iterator[Decision]) -> dict[str, Any]:
    name = item.permission.name
    if isinstance(item.resourceRef, list):
        return {"id": item.id, "result": [_word(next(decisions).allowed) for _ref in item.resourceRef]}
    decision = next(decisions)
    if decision.criteria is None:
        return {"id": item.id, "result": _word(decision.allowed), "reason": decision.reason}
    if caller_of(request).type not in {"service", "system"}:
        raise InputError(
            f"items[{index}].resourceRef: is needed, because {name} depends on the resource ({decision.reason})"
        )
    permission = contribution(Permission, name)
    return {
        "id": item.id,
        "result": "CONDITIONAL",
        "reason": decision.reason,
        "pluginId": registry.owner_of(permission) if permission else "",
        "resourceType": permission.resource_type if permission else "",
        "conditions": criteria_to_wire(decision.criteria),
    }


def _can_be_a_ref(text: str) -> bool:
    """Tell whether a text could name anything: the database refuses null characters and half characters."""
    return 0 < len(text) <= REF_LENGTH and "\0" not in text and text.isprintable()


def _word(allowed: bool) -> str:
    return "ALLOW" if allowed else "DENY"
