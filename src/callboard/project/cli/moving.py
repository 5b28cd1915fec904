"""`callboard migrate`: bring the database to this version, or a company here from another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from callboard.core.config.console import fail, note, show

app = typer.Typer(
    help="Bring the database to this version; or turn the files of another tool into ours.", invoke_without_command=True
)

Output = Annotated[Path | None, typer.Option(help="File to write; standard output otherwise.")]


@app.callback()
def migrate(ctx: typer.Context) -> None:
    """Bring the database to this version; safe to repeat and to run on several machines at once.

    With a command after it, turn the files of another tool into ours instead.
    """
    if ctx.invoked_subcommand is not None:
        return
    from callboard.project.boot import start_django
    from callboard.project.migrating import migrate as run

    start_django(create=True)
    applied = run()
    show(
        {"applied": applied},
        "\n".join([*applied, f"{len(applied)} migrations applied."]) if applied else "Nothing to migrate.",
    )


@app.command()
def backstage(
    path: Annotated[list[Path], typer.Argument(help="Directory with app-config.yaml, or files; later ones win.")],
    output: Output = None,
) -> None:
    """Propose a callboard.yaml from the configuration of Backstage, with a report of every setting."""
    from callboard.lib.yaml12 import dump
    from callboard.plugins.importers.clients import BackstageConfig, ConfigError
    from callboard.plugins.importers.types.backstage import migrate_backstage

    try:
        config = BackstageConfig(path)
    except ConfigError as error:
        fail(str(error), "Name the directory of the installation, or its files.")
    done = migrate_backstage(config.value, config.where)
    head = [f"# Proposed from {', '.join(file.name for file in config.files)}."]
    if done.variables:
        head.append(f"# Set these variables: {', '.join(done.variables)}.")
    text = "\n".join([*head, *(f"# To do: {item}" for item in done.todo)]) + "\n"
    text += dump(done.settings) if done.settings else ""
    lines = [f"{url}:{n.line}: {n.result:>7} {n.path}" + (f" → {n.to}" if n.to else "") for url, n in done.notes]
    _write(output, text, {**done.as_dict(), "text": text}, lines)


@app.command()
def file(
    path: Annotated[list[Path], typer.Argument(help="Files of Compass, Cortex, OpsLevel, Score, Port, or CSV.")],
    format_: Annotated[str, typer.Option("--format", help="The format, where the name of the file does not say.")] = "",
    column: Annotated[
        list[str], typer.Option("--column", help="Where a CSV column goes: 'Service Name=metadata.name'.")
    ] = [],  # noqa: B006
    output: Output = None,
) -> None:
    """Turn files of another tool into a catalog file, with a report of every line."""
    from callboard.lib.yaml12 import dump
    from callboard.plugins.importers.types.formats import FORMATS, convert, format_called, format_of, lines_of

    columns = dict(item.partition("=")[::2] for item in column)
    entities: list[dict[str, Any]] = []
    report, answers = [], []
    failed = False
    for item in path:
        wanted = format_called(format_) if format_ else format_of(item.name)
        if wanted is None:
            known = ", ".join(one.id for one in FORMATS)
            fail(f"{item.name} is of no format that is known here", f"Say which with --format: {known}.")
        try:
            text = item.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            fail(f"{item} cannot be read: {error.strerror}", "Check the path.")
        done = convert(text, str(item), wanted, columns)
        entities += done.entities
        report += lines_of(done)
        answers.append(done.as_dict())
        failed = failed or bool(done.error)
    text = "---\n".join(dump(entity) for entity in entities)
    _write(output, text, {"files": answers, "text": text}, report)
    if failed:
        raise typer.Exit(1)


def _write(output: Path | None, text: str, answer: Any, report: list[str]) -> None:
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"{output} cannot be written: {error.strerror}", "Choose another file.")
        text = f"{output} is written."
    for line in report:
        note(line)
    show(answer, text.rstrip("\n"))
