"""Find the settings models of the installed plugins, reading nothing but their manifests."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.metadata import entry_points

from pydantic import BaseModel, ConfigDict

GROUP = "callboard.plugins"


class NoSettings(BaseModel):
    """What a plugin without settings has."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class RoomModels:
    """Settings models by plugin name, and why others could not be loaded."""

    models: dict[str, type[BaseModel]]
    broken: dict[str, str]


def room_models() -> RoomModels:
    """Answer the settings model of every installed plugin; a broken plugin is reported, never raised."""
    models: dict[str, type[BaseModel]] = {}
    broken: dict[str, str] = {}
    for point in entry_points(group=GROUP):
        if point.name in models:
            continue
        try:
            manifest = importlib.import_module(f"{point.value.partition(':')[0]}.plugin").manifest
            models[point.name] = _load(manifest.settings)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the portal starts
            broken[point.name] = f"{type(error).__name__}: {error}"
    return RoomModels(models, broken)


def _load(dotted: str) -> type[BaseModel]:
    if not dotted:
        return NoSettings
    module, _, name = dotted.partition(":")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise TypeError(f"{dotted} is not a pydantic model")
    return found
