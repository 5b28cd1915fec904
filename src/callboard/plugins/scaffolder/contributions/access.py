"""Say what may be allowed with templates and tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q

from callboard.plugins.scaffolder.models import Task
from callboard.plugins.scaffolder.selectors import rules
from callboard.sdk.contributions import Contribution, Permission, ResourceType, Rule

TEMPLATE, ACTION, TASK = "scaffolder-template", "scaffolder-action", "scaffolder-task"

_TEXT = {"type": "string", "minLength": 1}


def _rule(name: str, resource: str, properties: dict[str, Any], required: list[str], text: str, query: Any) -> Rule:
    def reason(params: Any) -> str:
        return f"{text} ({', '.join(f'{key}: {params[key]}' for key in properties if key in params)})"

    return Rule(
        id=name,
        title=text,
        resource_type=resource,
        params_schema={
            "type": "object", "properties": properties, "required": required, "additionalProperties": False
        },
        query=query,
        reason=reason,
        description=text,
    )  # fmt: skip


def _task_lookup(ref: str) -> Q:
    try:
        return Q(pk=UUID(ref))
    except ValueError:
        return Q(pk__in=[])


contributions: tuple[Contribution, ...] = (
    Permission(id="scaffolder.action.execute", title="Run actions", resource_type=ACTION),
    Permission(
        id="scaffolder.template.parameter.read",
        title="See questions of templates",
        action="read",
        resource_type=TEMPLATE,
    ),
    Permission(
        id="scaffolder.template.step.read",
        title="Run steps of templates",
        action="read",
        resource_type=TEMPLATE,
    ),
    Permission(id="scaffolder.template.management", title="Edit templates"),
    Permission(id="scaffolder.task.create", title="Create things from templates", action="create"),
    Permission(id="scaffolder.task.read", title="See tasks", action="read", resource_type=TASK),
    Permission(id="scaffolder.task.cancel", title="Cancel tasks", resource_type=TASK),
    _rule("HAS_TAG", TEMPLATE, {"tag": _TEXT}, ["tag"], "it has a tag", rules.checked_elsewhere),
    _rule("HAS_ACTION_ID", ACTION, {"actionId": _TEXT}, ["actionId"], "it is one action", rules.checked_elsewhere),
    *(
        _rule(
            name, ACTION, {"key": _TEXT, "value": {"type": kinds}}, ["key"], "the input has a value",
            rules.checked_elsewhere,
        )
        for name, kinds in (
            ("HAS_PROPERTY", ["string", "number", "boolean", "null"]),
            ("HAS_BOOLEAN_PROPERTY", ["boolean"]),
            ("HAS_NUMBER_PROPERTY", ["number"]),
            ("HAS_STRING_PROPERTY", ["string"]),
        )
    ),
    _rule(
        "IS_TASK_OWNER", TASK, {"createdBy": {"type": "array", "items": _TEXT}}, ["createdBy"],
        "somebody of these started it", rules.created_by,
    ),
    _rule(
        "HAS_CREATED_BY", TASK, {"createdBy": {"type": "array", "items": _TEXT}}, ["createdBy"],
        "somebody of these started it", rules.created_by,
    ),
    _rule(
        "HAS_TEMPLATE_ENTITY_REFS", TASK, {"templateEntityRefs": {"type": "array", "items": _TEXT}},
        ["templateEntityRefs"], "it comes from one of these templates", rules.of_template,
    ),
    ResourceType(id=TASK, title="Task", queryset=Task.objects.all, lookup=_task_lookup),
)  # fmt: skip
