"""Templates and their actions as tools for agents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from callboard.lib.refs import EntityRef
from callboard.plugins.scaffolder.selectors.gallery import gallery
from callboard.plugins.scaffolder.selectors.tasks import find_task, steps, task_as_json
from callboard.plugins.scaffolder.selectors.templates import find_template, parameter_schema
from callboard.plugins.scaffolder.services.running_actions import run_action
from callboard.plugins.scaffolder.services.tasks import create_task


def list_templates(given: dict[str, Any]) -> Any:
    """Answer the templates that match a text."""
    found = gallery(text=str(given.get("text", "")))
    return [
        {"ref": card.view.ref, "title": card.view.label, "description": card.view.description} for card in found.cards
    ]


def describe_template(given: dict[str, Any]) -> Any:
    """Answer the questions of a template as JSON Schema."""
    return parameter_schema(find_template(_ref(given)))


def start_template(given: dict[str, Any]) -> Any:
    """Start a task and answer its id."""
    task = create_task(_ref(given), given.get("values") or {}, dry_run=given.get("dryRun") is True)
    return {"id": str(task.pk), "status": task.status}


def describe_task(given: dict[str, Any]) -> Any:
    """Answer how a task is doing, step by step."""
    task = find_task(str(given.get("id", "")))
    rows = [{"id": step.step_id, "status": step.status, "error": step.error} for step in steps(task)]
    return {**task_as_json(task, spec=False), "steps": rows, "error": task.error}


def _ref(given: dict[str, Any]) -> str:
    return str(EntityRef.parse(str(given.get("templateRef", "")), "template"))


def action_tool(action_id: str) -> Callable[[dict[str, Any]], Any]:
    """Answer a function that runs one action."""

    def call(given: dict[str, Any]) -> Any:
        return run_action(action_id, given).as_dict()

    return call
