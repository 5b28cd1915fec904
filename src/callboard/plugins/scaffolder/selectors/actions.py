"""The actions that steps, commands and agents may use, from all plugins that are on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from callboard.lib.nearest import did_you_mean
from callboard.plugins.scaffolder.types.filters import DESCRIPTIONS, FILTERS
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.contributions import ScaffolderAction, TemplateFilter
from callboard.sdk.plugins import contributions


def all_actions() -> list[ScaffolderAction]:
    """Answer every action, by id."""
    return sorted(contributions(ScaffolderAction), key=lambda action: action.id)


def find_action(action_id: str) -> ScaffolderAction:
    """Answer an action. Raises :class:`ActionError` that names the nearest one."""
    found = {action.id: action for action in contributions(ScaffolderAction)}
    if action_id not in found:
        hint = did_you_mean(action_id, found)
        raise ActionError(
            f"There is no action called {action_id!r}. {hint}".rstrip(),
            "Correct the template, or switch on the plugin that brings the action.",
        )
    return found[action_id]


def supports_dry_run(action: ScaffolderAction) -> bool:
    """Whether a dry run can go through the action instead of around it."""
    return action.local or action.read_only or action.dry_run is not None


def plugin_filters() -> tuple[tuple[str, Callable[..., Any]], ...]:
    """Answer the filters that plugins add to templates."""
    return tuple((item.name, item.apply) for item in contributions(TemplateFilter))


def action_as_json(action: ScaffolderAction) -> dict[str, Any]:
    """Answer an action as the API shows it."""
    import yaml  # noqa: PLC0415 - shown on one page and in one answer

    found: dict[str, Any] = {
        "id": action.id,
        "description": action.description or action.title,
        "schema": {"input": dict(action.input_schema), "output": dict(action.output_schema)},
        "supportsDryRun": supports_dry_run(action),
        "attributes": {
            "readOnly": action.read_only,
            "idempotent": action.idempotent or action.read_only or action.local,
            "destructive": action.destructive,
        },
    }
    if action.examples:
        found["examples"] = [
            {
                "description": example.description,
                "example": yaml.safe_dump(
                    {"steps": [{"id": action.id.replace(":", "-"), "action": action.id, "input": dict(example.input)}]},
                    sort_keys=False,
                ),
            }
            for example in action.examples
        ]
    return found


def templating_extensions() -> dict[str, Any]:
    """Answer filters and globals as the API lists them."""
    own = {name: {"description": text} for name, text in DESCRIPTIONS.items()}
    ours: dict[str, Any] = {name: {} for name in FILTERS if name not in own}
    more = {item.name: {"description": item.title} if item.title else {} for item in contributions(TemplateFilter)}
    return {
        "filters": {**ours, **own, **more},
        "globals": {"functions": {"always": {}, "failure": {}, "range": {}, "cycler": {}, "joiner": {}}, "values": {}},
    }
