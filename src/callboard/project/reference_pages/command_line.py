"""Describe every command from its own definition."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from django.utils.module_loading import import_string

from callboard.core.registry.contract import CliCommand
from callboard.project.cli.app import app
from callboard.project.reference_pages import text

_INTRODUCTION = """\
`callboard` starts the portal, looks after it and speaks for its plugins. In a clone it is `.venv/bin/callboard`;
after `pip install` it is on the path of that environment.

Three options may stand anywhere on the line:

| Option | Meaning |
|---|---|
| `--config PATH` | Configuration file. Without it, `callboard.yaml` in the current directory, if there is one. Same as `CALLBOARD_CONFIG`. |
| `--data-dir PATH` | Where the portal keeps its files. Without it, `.callboard` in the current directory. Same as `CALLBOARD_DATA_DIR`. |
| `--json` | Answer in JSON on standard output, errors included. |

Commands that speak to a running portal find it through the data directory (or `DATABASE_URL`): **run them in the
directory in which the portal was started, or name its data directory.**

The result goes to standard output; remarks, progress and errors go to standard error.

| Exit status | Means |
|---|---|
| 0 | Done. |
| 1 | It failed, or it found problems. The message names the place and the remedy. |
| 2 | The command line cannot be understood. |
| 130 | Stopped with Ctrl-C. |
"""


def page() -> str:
    """Answer the page about the command line."""
    groups = {**_own(), **_of_plugins()}
    parts = [part for name, command in groups.items() for part in _entries(name, command, 2)]
    return text.page("Command line", _INTRODUCTION, *parts)


def _own() -> dict[str, Any]:
    root: Any = typer.main.get_command(app)
    return dict(root.commands)


def _of_plugins() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _, item in text.bundled(CliCommand):
        given: Any = import_string(item.app.replace(":", ".")) if isinstance(item.app, str) else item.app
        command: Any = typer.main.get_command(given)
        command.help = command.help or item.title
        found[item.name] = command
    return found


def _entries(path: str, command: Any, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} callboard {path}"
    yield text.prose(inspect.cleandoc(command.help or ""))
    inner = getattr(command, "commands", None)
    if inner:
        for name, item in inner.items():
            yield from _entries(f"{path} {name}", item, depth + 1)
        return
    shown = [one for one in command.params if not one.name.startswith(("install_completion", "show_completion"))]
    usage = " ".join([f"callboard {path}", *(_usage(one) for one in shown)])
    yield f"```\n{usage.replace(' [OPTIONS] [OPTIONS]', ' [OPTIONS]')}\n```"
    rows = [_row(one) for one in shown if one.name != "help"]
    if rows:
        yield text.table(("Argument or option", "Meaning", "Default"), rows)


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = (parameter.metavar or parameter.name).strip("{}").upper()
        dots = "..." if parameter.nargs == -1 else ""
        return f"{name}{dots}" if parameter.required else f"[{name}{dots}]"
    longest = max(parameter.opts, key=len)
    value = "" if parameter.is_flag else f" {_value(parameter)}"
    both = "".join(f"|{other}" for other in parameter.secondary_opts)
    return f"[{longest}{both}{value}]" + ("..." if parameter.multiple else "")


def _value(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    return {int: "N", Path: "PATH"}.get(kind, "TEXT")


def _row(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{one}`" for one in [*parameter.opts, *parameter.secondary_opts])
    default = parameter.default
    known = default not in (None, "", False, [], ()) and not callable(default)
    limits = _limits(parameter)
    return name, f"{text.prose(parameter.help)} {limits}".strip(), f"`{default}`" if known else ""


def _limits(parameter: Any) -> str:
    low, high = parameter.min, parameter.max
    if low is None and high is None:
        return ""
    return f"From {low}." if high is None else f"{low} to {high}."
