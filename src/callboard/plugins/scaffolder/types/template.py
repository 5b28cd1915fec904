"""A template as its entity says it: pages of questions, steps, output. Nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

API_VERSION = "scaffolder.backstage.io/v1beta3"
MAX_STEPS = 500

JsonObject = dict[str, Any]


class TemplateError(ValueError):
    """A template that cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Page:
    """One page of questions; ``schema`` is its JSON Schema together with the ``ui:`` hints."""

    title: str
    schema: JsonObject
    description: str = ""
    flag: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Approval:
    """Somebody has to agree before a step: ``callboard:approval`` in the step.

    ``by`` are refs of people and groups; empty means whoever owns the template. ``four_eyes`` keeps
    whoever started the task from agreeing; ``hours`` is how long the question stays open.
    """

    by: tuple[str, ...] = ()
    four_eyes: bool = True
    reason: bool = False
    hours: float = 72.0


@dataclass(frozen=True)
class Step:
    """One step; ``input``, ``condition`` and ``each`` are templated when it begins."""

    id: str
    name: str
    action: str
    input: JsonObject = field(default_factory=dict)
    condition: Any = True
    each: Any = None
    flag: str = ""
    tags: tuple[str, ...] = ()
    approval: Approval | None = None
    timeout: float = 0.0

    def as_dict(self) -> JsonObject:
        """Answer the step as a task carries it."""
        found: JsonObject = {"id": self.id, "name": self.name, "action": self.action, "input": self.input}
        if self.condition is not True:
            found["if"] = self.condition
        if self.each is not None:
            found["each"] = self.each
        if self.flag:
            found["backstage:featureFlag"] = self.flag
        if self.tags:
            found["backstage:permissions"] = {"tags": list(self.tags)}
        if self.approval:
            found["callboard:approval"] = {
                "by": list(self.approval.by),
                "fourEyes": self.approval.four_eyes,
                "reason": self.approval.reason,
                "hours": self.approval.hours,
            }
        if self.timeout:
            found["callboard:timeout"] = self.timeout
        return found


@dataclass(frozen=True)
class Template:
    """A template, read."""

    name: str
    title: str
    description: str
    type: str
    pages: tuple[Page, ...]
    steps: tuple[Step, ...]
    output: JsonObject = field(default_factory=dict)
    presentation: JsonObject = field(default_factory=dict)
    secrets_schema: JsonObject | None = None
    decorators: tuple[JsonObject, ...] = ()
    ui_options: JsonObject = field(default_factory=dict)
    recovery: str = "startOver"

    @property
    def defaults(self) -> JsonObject:
        """Answer the words on the buttons that the template chose."""
        labels = self.presentation.get("buttonLabels")
        return labels if isinstance(labels, dict) else {}


def read_template(entity: Mapping[str, Any]) -> Template:
    """Read an entity of kind Template. Raises :class:`TemplateError`."""
    spec, metadata = entity.get("spec"), entity.get("metadata")
    if entity.get("kind") != "Template" or not isinstance(spec, Mapping) or not isinstance(metadata, Mapping):
        raise TemplateError("this is no template: kind must be Template, and it needs metadata and spec")
    if entity.get("apiVersion") != API_VERSION:
        raise TemplateError(f"apiVersion must be {API_VERSION}, got {entity.get('apiVersion')!r}")
    secrets = _object(spec.get("secrets"), "spec.secrets")
    return Template(
        name=str(metadata.get("name") or ""),
        title=str(metadata.get("title") or metadata.get("name") or ""),
        description=str(metadata.get("description") or ""),
        type=str(spec.get("type") or ""),
        pages=tuple(_pages(spec.get("parameters"))),
        steps=read_steps(spec.get("steps")),
        output=_object(spec.get("output"), "spec.output"),
        presentation=_object(spec.get("presentation"), "spec.presentation"),
        secrets_schema=_object(secrets.get("schema"), "spec.secrets.schema") or None,
        decorators=tuple(_decorators(spec)),
        ui_options=_object(spec.get("ui:options"), "spec.ui:options"),
        recovery=str(
            _object(spec.get("taskRecovery") or spec.get("EXPERIMENTAL_recovery"), "spec.taskRecovery").get(
                "EXPERIMENTAL_strategy", "startOver"
            )
        ),
    )


def _pages(parameters: Any) -> Iterator[Page]:
    if parameters is None:
        return
    single = isinstance(parameters, Mapping)
    pages = [parameters] if single else parameters
    if not isinstance(pages, (list, tuple)):
        raise TemplateError("spec.parameters: a page or a list of pages was expected")
    for number, page in enumerate(pages):
        if not isinstance(page, Mapping):
            raise TemplateError(f"spec.parameters[{number}]: an object with properties was expected")
        title = page.get("title") or ("Fill in some steps" if single else "Please enter the following information")
        yield Page(
            title=str(title),
            description=str(page.get("description") or ""),
            schema=dict(page),
            flag=flag_of(page),
            tags=tags_of(page),
        )


def read_steps(given: Any) -> tuple[Step, ...]:
    """Read the steps of a template or of a task. Raises :class:`TemplateError`."""
    if not isinstance(given, (list, tuple)):
        raise TemplateError("spec.steps: a list of steps was expected")
    if len(given) > MAX_STEPS:
        raise TemplateError(f"spec.steps: {MAX_STEPS} steps are allowed, there are {len(given)}")
    steps: list[Step] = []
    for number, raw in enumerate(given):
        place = f"spec.steps[{number}]"
        if not isinstance(raw, Mapping) or not isinstance(raw.get("action"), str):
            raise TemplateError(f"{place}: a step needs an action")
        action = raw["action"]
        step_id = str(raw.get("id") or f"step-{number + 1}")
        if any(step.id == step_id for step in steps):
            raise TemplateError(f"{place}: another step has the id {step_id!r} already")
        steps.append(
            Step(
                id=step_id,
                name=str(raw.get("name") or action),
                action=action,
                input=_object(raw.get("input"), f"{place}.input"),
                condition=raw.get("if", True),
                each=raw.get("each"),
                flag=flag_of(raw),
                tags=tags_of(raw),
                approval=_approval(raw.get("callboard:approval"), place),
                timeout=_positive(raw.get("callboard:timeout"), f"{place}.callboard:timeout", 0.0),
            )
        )
    return tuple(steps)


def _approval(given: Any, place: str) -> Approval | None:
    if not given:
        return None
    found = {} if given is True else _object(given, f"{place}.callboard:approval")
    by = found.get("by") or []
    by = [by] if isinstance(by, str) else by
    if not isinstance(by, list) or not all(isinstance(ref, str) for ref in by):
        raise TemplateError(f"{place}.callboard:approval.by: a list of refs of people or groups was expected")
    return Approval(
        by=tuple(by),
        four_eyes=found.get("fourEyes", True) is not False,
        reason=found.get("reason") is True,
        hours=_positive(found.get("hours"), f"{place}.callboard:approval.hours", 72.0),
    )


def _positive(value: Any, place: str, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 10_000_000:
        raise TemplateError(f"{place}: a positive number was expected")
    return float(value)


def _decorators(spec: Mapping[str, Any]) -> Iterator[JsonObject]:
    given = spec.get("formDecorators") or spec.get("EXPERIMENTAL_formDecorators") or []
    if not isinstance(given, (list, tuple)):
        raise TemplateError("spec.formDecorators: a list was expected")
    for number, item in enumerate(given):
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            raise TemplateError(f"spec.formDecorators[{number}]: an object with an id was expected")
        yield {"id": item["id"], "input": _object(item.get("input"), f"spec.formDecorators[{number}].input")}


def _object(value: Any, place: str) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TemplateError(f"{place}: an object was expected")
    return dict(value)


def flag_of(item: Mapping[str, Any]) -> str:
    """Answer the feature flag that a page, a property or a step hangs on."""
    flag = item.get("backstage:featureFlag")
    return flag if isinstance(flag, str) else ""


def tags_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Answer the tags that permissions on a page, a property or a step look at."""
    permissions = item.get("backstage:permissions")
    tags = permissions.get("tags") if isinstance(permissions, Mapping) else None
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
