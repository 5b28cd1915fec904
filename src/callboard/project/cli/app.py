"""The root of the command and the groups of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callboard.project.cli import care, configuration, keys, moving, people, plugins, running
from callboard.project.cli.lazy import PluginCommands
from callboard.project.version import __version__

app = typer.Typer(
    cls=PluginCommands,
    help="Callboard: the developer portal that starts with one command. `callboard up` starts it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    config: Annotated[Path | None, typer.Option(help="Configuration file; anywhere on the line.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the portal keeps its files; anywhere.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON; anywhere on the line.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Start, look after and question a Callboard portal. `callboard up` starts it."""


running.add_to(app)
care.add_to(app)
app.add_typer(moving.app, name="migrate")
app.add_typer(people.tokens, name="token")
app.add_typer(people.users, name="user")
app.add_typer(plugins.app, name="plugin")
app.add_typer(configuration.app, name="config")
app.add_typer(keys.app, name="secrets")
