"""Commands for plugins: list, switch, check, and write a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callboard.core.config.console import fail, show, table

app = typer.Typer(help="Plugins.", no_args_is_help=True)


@app.command("list")
def list_plugins() -> None:
    """List installed plugins, whether they are on, and why others are quarantined."""
    from callboard.project.boot import start_django

    start_django()
    from callboard.core.registry.store import registry

    rows = [
        {
            "name": loaded.plugin.name,
            "title": loaded.plugin.manifest.title,
            "version": loaded.plugin.manifest.version,
            "state": "enabled" if registry.is_enabled(loaded.plugin.name) else "disabled",
            "package": loaded.plugin.package,
            "bundled": loaded.plugin.bundled,
            "contributions": len(loaded.contributions),
            "reason": "",
        }
        for loaded in registry.plugins()
    ] + [
        {
            "name": bad.name, "title": "", "version": "", "state": "quarantined", "package": bad.package,
            "bundled": False, "contributions": 0, "reason": f"{bad.reason}. {bad.remedy}",
        }
        for bad in registry.quarantined()
    ]  # fmt: skip
    columns = {
        "name": "NAME",
        "version": "VERSION",
        "state": "STATE",
        "contributions": "ADDS",
        "package": "PACKAGE",
    }
    text = table(rows, columns)
    for row in rows:
        if row["reason"]:
            text += f"\n\n{row['name']} is quarantined: {row['reason']}"
    show(rows, text)


@app.command("enable")
def enable(name: str) -> None:
    """Switch a plugin on; running processes notice within seconds."""
    _switch(name, on=True)


@app.command("disable")
def disable(name: str) -> None:
    """Switch a plugin off; its data stays."""
    _switch(name, on=False)


def _switch(name: str, *, on: bool) -> None:
    from callboard.project.boot import start_django

    start_django()
    from callboard.core.auth.principal import OPERATOR, act_as
    from callboard.core.registry.services import PluginSwitchError
    from callboard.plugins.portal import public

    try:
        with act_as(OPERATOR, "cli"):
            verb = public.enable_plugin if on else public.disable_plugin
            verb(name)
    except PluginSwitchError as error:
        fail(str(error), code="refused")
    state = "enabled" if on else "disabled"
    show({"name": name, "state": state}, f"{name} is {state}.")


@app.command("check")
def check(
    plugin: Annotated[str, typer.Argument(help="Name of an installed plugin, or path of a project.")],
) -> None:
    """Check a plugin's manifest, contributions, names and imports."""
    from callboard.project.boot import start_django

    start_django(database=False)
    from callboard.project.plugin_check import check_plugin

    findings = check_plugin(plugin)
    errors = [item for item in findings if item.severity == "error"]
    text = "\n".join(f"{item.severity}: {item}" for item in findings)
    show(
        {"ok": not errors, "problems": [item.as_dict() for item in findings]},
        text + ("\n" if text else "") + (f"{len(errors)} errors" if errors else f"{plugin} is fine."),
    )
    if errors:
        raise typer.Exit(1)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and underscores: release_notes.")],
    into: Annotated[Path, typer.Option(help="Directory in which the project is made.")] = Path(),
    title: Annotated[str, typer.Option(help="What people read.")] = "",
) -> None:
    """Write a working, tested plugin to start from."""
    from callboard.project.scaffold.write import write_plugin

    place, files = write_plugin(name, into, title)
    steps = (
        f"Wrote {len(files)} files to {place}. Next:\n"
        f"  pip install -e {place}\n  callboard plugin check {name}\n  callboard up"
    )
    show({"path": str(place), "files": files}, steps)
