"""Commands of plugins, loaded only when one is called: Django takes a second that `--help` must not."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from callboard.core.config.console import fail, wants_json
from callboard.project.version import __version__


class PluginCommands(TyperGroup):
    """The root group: its own commands at once, those of plugins when they are needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Answer all names, with those of plugins from the note of an earlier call."""
        return [*super().list_commands(ctx), *sorted(set(self._known()) - set(self.commands))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Answer a command; for an unknown name ask the plugins."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        if ctx.resilient_parsing or cmd_name not in sys.argv[1:]:
            # Listed in the help, not called: a title is all that is shown.
            titles = self._known()
            return _Titled(titles[cmd_name]).command(cmd_name) if cmd_name in titles else None
        # Called: Django is set up once in a process, so it has to be with the database from the start.
        needed = "--help" not in sys.argv and not _works_alone(cmd_name)
        return self._load(needs_database=needed, wanted=cmd_name).get(cmd_name)

    def _known(self) -> dict[str, str]:
        note = _note()
        try:
            return dict(json.loads(note.read_text()))
        except (OSError, ValueError, TypeError):
            pass
        try:
            self._load(needs_database=False)
            return dict(json.loads(note.read_text()))
        except Exception:  # noqa: BLE001 - the help of a portal that is not set up shows its own commands
            return {}

    def _load(self, *, needs_database: bool, wanted: str = "") -> dict[str, Any]:
        from callboard.project.boot import start_django

        start_django(database=needs_database)
        from callboard.core.auth.principal import OPERATOR, become
        from callboard.core.registry.contract import CliCommand
        from callboard.core.registry.store import registry

        owned = registry.every(CliCommand)
        if not registry.quarantined():  # otherwise the note would lack what a mended plugin brings
            _remember({item.name: item.title for _, item in owned})
        off = registry.disabled() if needs_database else frozenset()
        for name, item in owned:
            if item.name == wanted and name in off:
                fail(
                    f"the command belongs to the plugin {name}, which is switched off",
                    f"callboard plugin enable {name}",
                )
        if needs_database:
            # Whoever may run commands on this machine is its operator; the process ends with the command.
            become(OPERATOR, "cli")
        return {item.name: _command(item) for name, item in owned if name not in off}


def _works_alone(name: str) -> bool:
    """Whether a plugin says of its command that it needs no portal; manifests are read without Django."""
    for point in entry_points(group="callboard.plugins"):
        try:
            manifest = import_module(f"{point.value.partition(':')[0]}.plugin").manifest
        except Exception:  # noqa: BLE001, S112 - a broken plugin is reported when it is loaded
            continue
        if name in getattr(manifest, "offline_commands", ()):
            return True
    return False


class _Titled:
    def __init__(self, title: str) -> None:
        self._title = title

    def command(self, name: str) -> Any:
        """Answer a command that only has a help text."""
        shown = typer.Typer(help=self._title)
        shown.callback()(lambda: None)
        group = typer.main.get_command(shown)
        group.name = name
        return group


def _command(item: Any) -> Any:
    app = item.app
    if isinstance(app, str):
        module, _, name = app.partition(":")
        app = getattr(import_module(module), name)
    # The same plain help as the portal's own commands have, whatever the plugin's author left unsaid.
    app.rich_markup_mode = None
    app._add_completion = False  # noqa: SLF001 - Typer takes it only when the application is made
    command = typer.main.get_command(app)
    command.name = item.name
    if not command.help:
        command.help = item.title
    if wants_json():
        _ask_for_json(command)
    return command


def _ask_for_json(command: Any) -> None:
    """Switch on a `--json` option that a plugin's command has of its own: the word itself was taken off."""
    for parameter in command.params:
        if "--json" in parameter.opts:
            parameter.default = True
    for inner in getattr(command, "commands", {}).values():
        _ask_for_json(inner)


def _note() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    points = sorted(
        f"{point.name}={point.value} {point.dist.version if point.dist else ''} {_changed(point.value)}"
        for point in entry_points(group="callboard.plugins")
    )
    key = hashlib.sha256("\n".join([sys.prefix, __version__, *points]).encode()).hexdigest()[:16]
    return base / "callboard" / f"commands-{key}.json"


def _changed(package: str) -> int:
    """Answer when a plugin's contributions last changed, so that work on one shows in the help."""
    try:
        spec = find_spec(package.partition(":")[0])
    except (ImportError, ValueError):
        return 0
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    files = [file for place in places for file in (place / "contributions.py", place / "contributions")]
    return max((file.stat().st_mtime_ns for file in files if file.exists()), default=0)


def _remember(titles: dict[str, str]) -> None:
    note = _note()
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(titles))
    except OSError:
        return  # only the help is slower then
