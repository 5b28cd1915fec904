"""Find the plugins that are installed, without loading more of them than their manifest.

Plugins announce themselves with the entry point group ``callboard.plugins``: the name of the
plugin and its package. Discovery runs before Django starts, so it touches nothing but manifests.
What cannot be used is kept with the reason, so that the portal starts and an administrator sees why.
"""

from __future__ import annotations

import importlib
import traceback
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from callboard.core.registry.manifest import Manifest
from callboard.core.registry.sdk_version import SDK_VERSION

GROUP = "callboard.plugins"


@dataclass(frozen=True)
class Quarantined:
    """A plugin that is installed but off, and why: ``detail`` is a traceback where there is one."""

    name: str
    package: str
    reason: str
    remedy: str
    detail: str = ""


@dataclass(frozen=True)
class InstalledPlugin:
    """A plugin whose manifest could be read and used."""

    manifest: Manifest
    package: str
    distribution: str
    bundled: bool

    @property
    def name(self) -> str:
        """The plugin's name, as in its manifest."""
        return self.manifest.name

    @property
    def label(self) -> str:
        """The Django app label and table prefix of the plugin."""
        return f"cb_{self.manifest.name}"


@dataclass(frozen=True)
class Discovery:
    """All plugins found on this machine, the usable ones in the order they need each other."""

    plugins: tuple[InstalledPlugin, ...]
    quarantined: tuple[Quarantined, ...]


@cache
def discover() -> Discovery:
    """List the installed plugins once per process, dependencies before dependents."""
    found: dict[str, InstalledPlugin] = {}
    bad: list[Quarantined] = []
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        loaded = _read_manifest(point)
        if isinstance(loaded, Quarantined):
            bad.append(loaded)
        elif loaded.name in found:
            bad.append(
                Quarantined(
                    point.name,
                    point.value,
                    f"another installed package already provides a plugin called {loaded.name!r}",
                    "Uninstall one of the two packages.",
                )
            )
        else:
            found[loaded.name] = loaded
    ordered = _in_order_of_need(found, bad)
    return Discovery(tuple(ordered), tuple(bad))


def _read_manifest(point: EntryPoint) -> InstalledPlugin | Quarantined:
    package = point.value.partition(":")[0]
    try:
        manifest = importlib.import_module(f"{package}.plugin").manifest
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the portal starts
        return Quarantined(
            point.name,
            package,
            f"its manifest could not be read: {error}",
            f"`{package}/plugin.py` must define `manifest = Manifest(...)`; "
            f"`callboard plugin check {point.name}` shows more.",
            traceback.format_exc(),
        )
    if not isinstance(manifest, Manifest):
        return Quarantined(
            point.name,
            package,
            f"`manifest` in `{package}.plugin` is not a Manifest",
            "Create it with `callboard.sdk.manifest.Manifest`.",
        )
    if manifest.name != point.name:
        return Quarantined(
            point.name,
            package,
            f"the manifest calls itself {manifest.name!r} but the entry point says {point.name!r}",
            "Give both the same name.",
        )
    try:
        works = SDK_VERSION in SpecifierSet(manifest.sdk)
    except InvalidSpecifier:
        return Quarantined(
            point.name,
            package,
            f"the SDK range {manifest.sdk!r} cannot be read",
            'Write it as a Python version specifier such as ">=1,<2".',
        )
    if not works:
        return Quarantined(
            point.name,
            package,
            f"it works with SDK {manifest.sdk}, and this portal has SDK {SDK_VERSION}",
            "Install a version of the plugin made for this SDK.",
        )
    distribution = point.dist.name if point.dist else ""
    return InstalledPlugin(manifest, package, distribution, bundled=package.startswith("callboard.plugins."))


def _in_order_of_need(found: dict[str, InstalledPlugin], bad: list[Quarantined]) -> list[InstalledPlugin]:
    ordered: list[InstalledPlugin] = []
    done: set[str] = set()
    waiting = dict(found)
    while waiting:
        ready = [p for p in waiting.values() if set(p.manifest.requires) <= done]
        if not ready:
            break
        for plugin in ready:
            ordered.append(plugin)
            done.add(plugin.name)
            del waiting[plugin.name]
    for plugin in waiting.values():
        missing = sorted(set(plugin.manifest.requires) - set(found))
        reason = (
            f"it requires {', '.join(missing)}, which is not installed or is itself quarantined"
            if missing
            else "it is part of, or depends on, a circle of plugins that require each other"
        )
        bad.append(
            Quarantined(plugin.name, plugin.package, reason, "Install what is missing, or uninstall this plugin.")
        )
    return ordered
