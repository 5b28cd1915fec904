"""Switch plugins on and off.

These verbs neither ask for permission nor write the audit record, because both stand above this floor;
doors use the verbs of the portal room, which do.
"""

from __future__ import annotations

from callboard.core.config.current import portal_config
from callboard.core.registry.models import PluginState
from callboard.core.registry.store import LoadedPlugin, registry
from callboard.lib.nearest import nearest


class PluginSwitchError(ValueError):
    """A plugin that cannot be switched; the message says why and what to do."""


def enable_plugin(name: str, changed_by: str = "") -> None:
    """Switch a plugin on; what it requires must be on."""
    plugin = _known(name)
    if name in portal_config().plugins.disabled:
        raise PluginSwitchError(
            f"{name} is switched off in the configuration; take it out of plugins.disabled and start again"
        )
    off = [other for other in plugin.plugin.manifest.requires if not registry.is_enabled(other)]
    if off:
        raise PluginSwitchError(f"{name} requires {', '.join(off)}: switch that on first")
    _switch(name, enabled=True, changed_by=changed_by)


def disable_plugin(name: str, changed_by: str = "") -> None:
    """Switch a plugin off; no plugin that is on may require it."""
    plugin = _known(name)
    if not plugin.plugin.manifest.optional:
        raise PluginSwitchError(f"{name} is part of the portal itself and cannot be switched off")
    users = required_by(name)
    if users:
        raise PluginSwitchError(f"{', '.join(users)} requires {name}: switch that off first")
    _switch(name, enabled=False, changed_by=changed_by)


def required_by(name: str) -> list[str]:
    """Answer the names of plugins that are on and require ``name``."""
    return [
        loaded.plugin.name
        for loaded in registry.plugins()
        if name in loaded.plugin.manifest.requires and registry.is_enabled(loaded.plugin.name)
    ]


def _known(name: str) -> LoadedPlugin:
    plugins = {loaded.plugin.name: loaded for loaded in registry.plugins()}
    if name in plugins:
        return plugins[name]
    for bad in registry.quarantined():
        if bad.name == name:
            raise PluginSwitchError(f"{name} cannot be used: {bad.reason}. {bad.remedy}")
    guess = nearest(name, plugins)
    hint = f"; did you mean {guess}?" if guess else ""
    raise PluginSwitchError(f"no plugin called {name!r} is installed{hint}")


def _switch(name: str, *, enabled: bool, changed_by: str) -> None:
    PluginState.objects.update_or_create(name=name, defaults={"enabled": enabled, "changed_by": changed_by[:300]})
    registry.forget_state()
