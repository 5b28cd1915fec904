"""`callboard source …`: connect sources, look what they would bring, run them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import read_documents
from callboard.plugins.sources import selectors
from callboard.plugins.sources.services import keeping, running
from callboard.plugins.sources.types.found import TYPES, SourceError
from callboard.sdk.cli import fail, note, show, table

app = typer.Typer(help="Sources that keep the catalog filled.", no_args_is_help=True)

_Settings = Annotated[list[str], typer.Option("--set", help="A setting as key=value; lists with commas.")]
_File = Annotated[
    Path | None, typer.Option("--file", help="YAML file with settings; keeps secrets off the command line.")
]


@app.command("list")
def list_() -> None:
    """List all sources with their state."""
    rows = [
        {
            "name": one.name,
            "type": one.about.name,
            "state": one.state,
            "last": one.last.started_at.isoformat(timespec="seconds") if one.last else None,
            "next": one.next_at.isoformat(timespec="seconds") if one.next_at else None,
            "found": one.last.found if one.last else {},
            "message": one.last.message if one.last else "",
        }
        for one in selectors.sources()
    ]
    heads = {"name": "NAME", "type": "TYPE", "state": "STATE", "last": "LAST RUN", "next": "NEXT RUN", "message": ""}
    show(rows, table(rows, heads) if rows else "There are no sources; `callboard source add` connects one.")


@app.command()
def types() -> None:
    """List the types of sources and their settings."""
    rows = [{"name": one.name, "title": one.title, "settings": sorted(one.model.model_fields)} for one in TYPES]
    show(rows, table(rows, {"name": "TYPE", "title": "", "settings": "SETTINGS"}))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the source is called.")],
    type_: Annotated[str, typer.Option("--type", help="As `callboard source types` lists them.")],
    setting: _Settings = [],  # noqa: B006 - typer reads the default
    file: _File = None,
    run: Annotated[bool, typer.Option(help="Look through it now.")] = True,
) -> None:
    """Connect a source and run it for the first time."""
    try:
        keeping.create_source(name, type_, _values(type_, setting, file), run=False)
    except keeping.SourceInvalidError as error:
        fail(str(error))
    if run:
        run_(name)
    else:
        show({"name": name}, f"{name} is connected.")


@app.command("test")
def try_(
    name: Annotated[str, typer.Argument(help="A source, or with --type any name.")],
    type_: Annotated[str, typer.Option("--type", help="Try settings that are not kept.")] = "",
    setting: _Settings = [],  # noqa: B006 - see above
    file: _File = None,
) -> None:
    """Sign in and say whether it works."""
    kind, values = _asked(name, type_, setting, file)
    try:
        said = running.try_source(kind, values, "" if type_ else name)
    except keeping.SourceInvalidError as error:
        fail(str(error))
    except SourceError as error:
        fail(error.message, error.remedy)
    show({"name": name, "ok": True, "message": said}, said)


@app.command("dry-run")
def dry_run(
    name: Annotated[str, typer.Argument(help="A source, or with --type any name.")],
    type_: Annotated[str, typer.Option("--type", help="Try settings that are not kept.")] = "",
    setting: _Settings = [],  # noqa: B006 - see above
    file: _File = None,
    limit: Annotated[
        int, typer.Option(help="End after so many repositories or items; 0 looks through everything.")
    ] = 0,
) -> None:
    """List what would be found, and write nothing."""
    kind, values = _asked(name, type_, setting, file)
    try:
        look = running.preview_source(kind, values, "" if type_ else name, limit=limit)
    except keeping.SourceInvalidError as error:
        fail(str(error))
    except SourceError as error:
        fail(error.message, error.remedy)
    found = look.discovery
    data = {
        "looked_at": dict(found.looked_at),
        "found": found.counts(),
        "files": [{"repository": one.repository, "path": one.path, "target": one.target} for one in found.files],
        "entities": found.entities,
        "troubles": [one.as_dict() for one in found.troubles],
        "problems": [one.as_dict() for one in look.problems],
    }
    lines = [f"{one.repository} {one.path}".strip() for one in found.files]
    lines += [f"{one.get('kind')} {(one.get('metadata') or {}).get('name')}" for one in found.entities]
    lines += [f"! {one.place}: {one.message} {one.remedy}" for one in (*found.troubles, *look.problems)]
    lines.append(f"Looked at {_counted(found.looked_at)}; found {_counted(found.counts())}. Nothing was written.")
    show(data, "\n".join(lines))


@app.command("run")
def run_(name: Annotated[str, typer.Argument(help="Name of the source.")]) -> None:
    """Run a source here and now."""
    try:
        done = running.perform_run(name, trigger="hand", note=note)
    except SourceError as error:
        fail(error.message, error.remedy)
    if done is None:
        fail(f"{name} is being looked through already", "Wait for that run to end.")
    data = {
        "name": name,
        "state": done.state,
        "looked_at": done.looked_at,
        "found": done.found,
        "outcome": done.outcome,
    }
    lines = [f"Looked at {_counted(done.looked_at)}; found {_counted(done.found)}."]
    lines += [f"! {one['place']}: {one['message']} {one['remedy']}" for one in done.troubles]
    lines.append(", ".join(f"{count} {word}" for word, count in done.outcome.items()) + ".")
    show({**data, "troubles": done.troubles}, "\n".join(lines))


@app.command()
def pause(name: Annotated[str, typer.Argument(help="Name of the source.")]) -> None:
    """Stop running a source by its schedule; what it brought stays."""
    _paused(name, paused=True)


@app.command()
def resume(name: Annotated[str, typer.Argument(help="Name of the source.")]) -> None:
    """Let a paused source go on."""
    _paused(name, paused=False)


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of the source.")]) -> None:
    """Delete a source and everything it alone brought."""
    try:
        gone = keeping.delete_source(name)
    except keeping.SourceMissingError:
        fail(f"no source called {name} was made in the portal", "Those of callboard.yaml are removed there.")
    show({"name": name, "removed": gone}, f"{name} is deleted, and {len(gone)} entities with it.")


def _paused(name: str, *, paused: bool) -> None:
    try:
        keeping.pause_source(name, paused=paused)
    except keeping.SourceMissingError:
        fail(f"there is no source called {name}", "`callboard source list` lists them.")
    show({"name": name, "paused": paused}, f"{name} {'is paused' if paused else 'goes on'}.")


def _asked(name: str, type_: str, setting: list[str], file: Path | None) -> tuple[str, dict[str, Any]]:
    if type_:
        return type_, _values(type_, setting, file)
    view = selectors.source(name)
    if view is None:
        fail(f"there is no source called {name}", "`callboard source list` lists them; --type tries new settings.")
    return view.about.name, {**view.settings, **_values(view.about.name, setting, file)}


def _values(type_: str, setting: list[str], file: Path | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if file is not None:
        try:
            documents = list(read_documents(file.read_bytes(), str(file)))
        except OSError as error:
            fail(f"{file} cannot be read: {error.strerror}")
        for document in documents:
            if isinstance(document, Problem):
                fail(f"{file}: {document.message}", document.remedy)
            if not isinstance(document.value, dict):
                fail(f"{file} holds no settings", "Write them as key: value.")
            values |= document.value
    about = next((one for one in TYPES if one.name == type_), None)
    for item in setting:
        key, mark, text = item.partition("=")
        if not mark:
            fail(f"{item!r} is no setting", "Write it as key=value.")
        info = about.model.model_fields.get(key) if about else None
        listed = info is not None and str(info.annotation).startswith("list")
        values[key] = [part.strip() for part in text.split(",") if part.strip()] if listed else text
    return values


def _counted(counts: Any) -> str:
    return ", ".join(f"{count} {word}" for word, count in dict(counts).items()) or "nothing"
