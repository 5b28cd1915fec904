"""The registry: all contributions of all plugins, and which of them are on right now."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar, cast

from django.db import DatabaseError

from callboard.core.config.current import portal_config
from callboard.core.config.rooms import room_models
from callboard.core.registry import contract, rooms
from callboard.core.registry.discovery import InstalledPlugin, Quarantined, discover

log = logging.getLogger(__name__)

C = TypeVar("C", bound=contract.Contribution)

STATE_SECONDS = 2.0
"""How long a process may go on with what it knew before it asks the database again which plugins are on."""


@dataclass
class Fault:
    """A contribution that failed while it was used: the last message and how often."""

    contribution: str
    message: str
    detail: str
    count: int = 1
    last: float = field(default_factory=time.time)


@dataclass
class LoadedPlugin:
    """An installed plugin together with what it contributes."""

    plugin: InstalledPlugin
    contributions: tuple[contract.Contribution, ...] = ()
    faults: dict[str, Fault] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ordered:
    """An answer of :meth:`Registry.of`, and what it was made from."""

    off: frozenset[str]
    held: list[tuple[str, contract.Contribution]]
    size: int
    items: list[Any]


class Registry:
    """Holds every contribution; questions answer those of plugins that are on."""

    def __init__(self) -> None:
        self._loaded: dict[str, LoadedPlugin] = {}
        self._quarantined: dict[str, Quarantined] = {}
        self._by_type: dict[type, list[tuple[str, contract.Contribution]]] = {}
        self._ordered: dict[type, _Ordered] = {}
        self._off: frozenset[str] = frozenset()
        self._off_until = 0.0
        self._lock = threading.Lock()

    def load(self) -> None:
        """Import the contributions of every discovered plugin; each failure stays with its plugin."""
        discovery = discover()
        self._loaded, self._by_type = {}, {}
        self._quarantined = {q.name: q for q in discovery.quarantined}
        without_settings = room_models().broken
        for plugin in discovery.plugins:
            missing = [name for name in plugin.manifest.requires if name in self._quarantined]
            if plugin.name in rooms.broken:
                self._quarantined[plugin.name] = rooms.broken[plugin.name]
            elif plugin.name in without_settings:
                self._quarantined[plugin.name] = Quarantined(
                    plugin.name,
                    plugin.package,
                    f"its settings could not be loaded: {without_settings[plugin.name]}",
                    f"Mend `{plugin.manifest.settings}`, which the manifest names, or uninstall the plugin.",
                )
            elif missing:
                self._quarantined[plugin.name] = Quarantined(
                    plugin.name,
                    plugin.package,
                    f"it requires {', '.join(missing)}, which is quarantined",
                    "Mend the required plugin first.",
                )
            else:
                self._load_one(plugin)

    def _load_one(self, plugin: InstalledPlugin) -> None:
        try:
            items: tuple[contract.Contribution, ...] = ()
            if find_spec(f"{plugin.package}.contributions"):
                items = tuple(import_module(f"{plugin.package}.contributions").contributions)
            seen: set[tuple[type, str]] = set()
            for item in items:
                if not isinstance(item, contract.Contribution):
                    raise TypeError(f"{item!r} is not a contribution")  # noqa: TRY301
                if (type(item), item.id) in seen:
                    raise ValueError(f"two {type(item).__name__} contributions share the id {item.id!r}")  # noqa: TRY301
                seen.add((type(item), item.id))
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the portal starts
            log.warning("plugin quarantined: %s: %s", plugin.name, error)
            self._quarantined[plugin.name] = Quarantined(
                plugin.name,
                plugin.package,
                f"its contributions could not be loaded: {error}",
                f"`callboard plugin check {plugin.name}` shows where; mend it or uninstall the plugin.",
                traceback.format_exc(),
            )
            return
        self._loaded[plugin.name] = LoadedPlugin(plugin, items)
        for item in items:
            self._by_type.setdefault(type(item), []).append((plugin.name, item))

    # --- What is on -----------------------------------------------------------

    def disabled(self) -> frozenset[str]:
        """Answer the names of plugins that are switched off, at most two seconds old."""
        now = time.monotonic()
        if now < self._off_until:
            return self._off
        with self._lock:
            if now >= self._off_until:
                off = self._read_disabled()
                if off != self._off:
                    self._off = off
                self._off_until = now + STATE_SECONDS
        return self._off

    def _read_disabled(self) -> frozenset[str]:
        from callboard.core.registry.models import PluginState  # noqa: PLC0415 - models must be ready

        off = set(portal_config().plugins.disabled)
        try:
            off |= set(PluginState.objects.filter(enabled=False).values_list("name", flat=True))
        except DatabaseError:
            # Before the first migration there is no table, and no switch was ever moved.
            return frozenset(off)
        for name, loaded in self._loaded.items():
            if not loaded.plugin.manifest.optional:
                off.discard(name)
        for name, loaded in self._loaded.items():  # in order of need, so one pass is enough
            if off.intersection(loaded.plugin.manifest.requires):
                off.add(name)
        return frozenset(off)

    def forget_state(self) -> None:
        """Ask the database again at the next question."""
        self._off_until = 0.0

    def is_enabled(self, name: str) -> bool:
        """Whether the plugin is loaded and on."""
        return name in self._loaded and name not in self.disabled()

    # --- Questions ------------------------------------------------------------

    def of(self, point: type[C]) -> list[C]:
        """Answer the contributions of one point from plugins that are on, in order."""
        off, held = self.disabled(), self._by_type.get(point, [])
        known = self._ordered.get(point)
        # Asked several times for every entity that is read; `off` is the same object until a switch is moved.
        if known is None or known.off is not off or known.held is not held or known.size != len(held):
            on: list[Any] = [item for name, item in held if name not in off]
            known = _Ordered(off, held, len(held), sorted(on, key=lambda item: item.order))
            self._ordered[point] = known
        return list(known.items)

    def every(self, point: type[C]) -> list[tuple[str, C]]:
        """Answer ``(plugin name, contribution)`` of one point from all loaded plugins, on or off."""
        items: list[Any] = self._by_type.get(point, [])
        return list(items)

    def find(self, point: type[C], contribution_id: str) -> C | None:
        """Answer one contribution by its id, if its plugin is on."""
        # Asked for every permission of every request, so nothing is sorted or copied here.
        off = self.disabled()
        found = (item for name, item in self._by_type.get(point, ()) if item.id == contribution_id and name not in off)
        return cast("C | None", next(found, None))

    def owner_of(self, item: contract.Contribution) -> str:
        """Answer the name of the plugin that contributed ``item``."""
        return next((n for n, other in self._by_type.get(type(item), ()) if other is item), "")

    def plugins(self) -> list[LoadedPlugin]:
        """Answer every loaded plugin, in order of need."""
        return list(self._loaded.values())

    def quarantined(self) -> list[Quarantined]:
        """Answer the plugins that are installed but unusable, with the reason."""
        return sorted(self._quarantined.values(), key=lambda q: q.name)

    # --- Faults ---------------------------------------------------------------

    @contextmanager
    def guard(self, item: contract.Contribution) -> Iterator[None]:
        """Run a contribution's code; note a failure on its plugin's page and raise it on."""
        try:
            yield
        except Exception as error:
            loaded = self._loaded.get(self.owner_of(item))
            if loaded is not None:
                key = f"{type(item).__name__} {item.id}"
                fault = loaded.faults.get(key)
                count = fault.count + 1 if fault else 1
                loaded.faults[key] = Fault(key, str(error), traceback.format_exc(), count)
            log.warning("contribution failed: %s", item.id, exc_info=True)
            raise


registry = Registry()
"""The registry of this process."""
