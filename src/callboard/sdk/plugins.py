"""What other plugins contribute, and whether a plugin is on."""

from __future__ import annotations

from typing import TypeVar

from callboard.core.registry.contract import Contribution
from callboard.core.registry.discovery import InstalledPlugin, Quarantined
from callboard.core.registry.models import PluginState
from callboard.core.registry.services import PluginSwitchError, disable_plugin, enable_plugin, required_by
from callboard.core.registry.store import LoadedPlugin, registry

C = TypeVar("C", bound=Contribution)


def contributions(point: type[C]) -> list[C]:
    """Answer the contributions of one point from all plugins that are on, in order."""
    return registry.of(point)


def contribution(point: type[C], contribution_id: str) -> C | None:
    """Answer one contribution by its id, if its plugin is on."""
    return registry.find(point, contribution_id)


def is_enabled(plugin: str) -> bool:
    """Whether a plugin is loaded and on."""
    return registry.is_enabled(plugin)


guard = registry.guard

__all__ = [
    "InstalledPlugin",
    "LoadedPlugin",
    "PluginState",
    "PluginSwitchError",
    "Quarantined",
    "contribution",
    "contributions",
    "disable_plugin",
    "enable_plugin",
    "guard",
    "is_enabled",
    "registry",
    "required_by",
]
