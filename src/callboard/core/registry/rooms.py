"""A Django app configuration for each plugin, made on demand, so that rooms need none of their own."""

from __future__ import annotations

import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import AppConfig

from callboard.core.registry.discovery import InstalledPlugin, Quarantined, discover

broken: dict[str, Quarantined] = {}
"""Plugins whose models could not be imported in this process, by name."""


class RoomConfig(AppConfig):
    """The app of one plugin: label and tables carry the prefix ``cb_`` and the plugin's name."""

    default_auto_field = "django.db.models.BigAutoField"
    plugin: InstalledPlugin

    def import_models(self) -> None:
        """Import the plugin's models; a failure quarantines the plugin instead of stopping the portal."""
        try:
            super().import_models()
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the portal starts
            self.models = self.apps.all_models[self.label]
            broken[self.plugin.name] = Quarantined(
                self.plugin.name,
                self.plugin.package,
                f"its models could not be imported: {error}",
                "Report this to the plugin's author, or uninstall the plugin.",
                traceback.format_exc(),
            )


def __getattr__(name: str) -> Any:
    """Make the configuration class of the plugin called ``name``."""
    for plugin in discover().plugins:
        if plugin.name == name:
            package = import_module(plugin.package)
            return type(
                f"{name.title()}Config",
                (RoomConfig,),
                {
                    "__module__": __name__,
                    "name": plugin.package,
                    "label": plugin.label,
                    "verbose_name": plugin.manifest.title,
                    "plugin": plugin,
                    "path": str(Path(str(package.__file__)).parent),
                },
            )
    raise AttributeError(name)
