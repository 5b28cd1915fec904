"""`callboard catalog …`: import, validate, export, refresh, status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from callboard.lib.problems import ProblemError
from callboard.lib.yaml12 import dump
from callboard.plugins.catalog.selectors import overview, sets
from callboard.plugins.catalog.selectors.querying import EntityQuery, listed
from callboard.plugins.catalog.services import deciding, importing, locations, pushing
from callboard.plugins.catalog.services.importing import guess_location
from callboard.plugins.catalog.services.processing import process_due, wait_until_read
from callboard.plugins.catalog.types.filters import FilterError, parse_filters
from callboard.plugins.catalog.types.pushing import PREFIX
from callboard.sdk.cli import Progress, fail, note, progress, show

app = typer.Typer(help="Fill, check and read the catalog.", no_args_is_help=True)


@app.command("import")
def import_(
    what: Annotated[str, typer.Argument(help="A directory, a file, a repository or the address of a file.")],
    ref: Annotated[str, typer.Option(help="Branch, tag or commit of a repository.")] = "",
) -> None:
    """Register a location, read it now and say what it brought."""
    target = guess_location(what, ref)
    try:
        source = locations.register_location(target.type, target.target)
        known = False
    except locations.LocationExistsError:
        source = overview.source_at(target.type, target.target)
        known = True
    except ProblemError as error:
        fail(str(error))
    with progress(f"Reading {target}") as bar:
        applied = process_due(_drawn(bar), only=[source.pk])
        # A running portal may have begun before us; its work counts as ours.
        wait_until_read(str(target))
    found = overview.brought_by(str(target))
    problems = [problem.as_dict() for problem in overview.problems_of(str(target))]
    answer = {
        "location": {"id": str(source.uid), "type": target.type, "target": target.target},
        "already_registered": known,
        "created": applied.created,
        "changed": applied.changed,
        "removed": applied.removed,
        "entities": found,
        "problems": problems,
    }
    lines = [
        f"{target} {'was registered already' if known else 'is registered'}.",
        f"{sum(found.values())} entities: " + ", ".join(f"{n} {kind}" for kind, n in found.items())
        if found
        else "It brought no entities.",
    ]
    lines += [f"{p['severity']}: {_place(p)}: {p['message']} {p['remedy']}" for p in problems]
    show(answer, "\n".join(lines))
    if problems and not found:
        note(f"It stays registered and is read again later; `callboard catalog unregister {what}` takes it back.")
        raise typer.Exit(1)


@app.command()
def validate(
    what: Annotated[list[str], typer.Argument(help="Files, directories or addresses to check.")],
) -> None:
    """Check catalog files without registering anything. Exits with 1 if there is any problem."""
    checked, found, notes = 0, [], []
    for place in what:
        target = guess_location(place, "")
        try:
            preview = locations.preview_location(target.type, target.target)
        except ProblemError as error:
            fail(str(error))
        checked += len(preview.entities)
        found += [entry.problem.as_dict() for entry in preview.problems]
        notes += [entry.as_dict() for entry in preview.notes]
    for item in notes:
        note(f"{item['file']}:{item['line'] or ''}: {item['result']} {item['path']} {item['to']}".rstrip())
    lines = [f"{p['severity']}: {_place(p)}: {p['message']} {p['remedy']}" for p in found]
    lines.append(f"{checked} entities are good, {len(found)} problems.")
    show({"entities": checked, "problems": found, "notes": notes}, "\n".join(lines))
    if any(p["severity"] == "error" for p in found):
        raise typer.Exit(1)


@app.command()
def export(
    filter_: Annotated[list[str], typer.Option("--filter", help="As in the API, such as kind=component.")] = [],  # noqa: B006
    format_: Annotated[str, typer.Option("--format", help="yaml or json.")] = "yaml",
    output: Annotated[Path | None, typer.Option(help="File to write; standard output otherwise.")] = None,
) -> None:
    """Write entities as YAML documents or as one JSON array."""
    try:
        query = EntityQuery(filter=parse_filters(filter_))
    except FilterError as error:
        fail(str(error))
    if format_ not in {"yaml", "json"}:
        fail(f"unknown format {format_!r}", "Use yaml or json.")
    with _open(output) as stream:
        count = 0
        if format_ == "json":
            stream.write("[")
        for body in listed(query):
            if format_ == "json":
                stream.write(("," if count else "") + body)
            else:
                entity = orjson.loads(body)
                for key in ("relations", "status"):
                    entity.pop(key, None)
                for key in ("uid", "etag"):
                    entity["metadata"].pop(key, None)
                stream.write("---\n" + dump(entity))
            count += 1
        if format_ == "json":
            stream.write("]\n")
    if output:
        show({"entities": count, "file": str(output)}, f"{count} entities written to {output}.")


@app.command()
def refresh(refs: Annotated[list[str], typer.Argument(help="Entity refs.")]) -> None:
    """Read the sources of entities again, now."""
    sources = locations.refresh([ref.lower() for ref in refs])
    with progress("Reading") as bar:
        applied = process_due(_drawn(bar))
    show(
        {"sources": sources, "changed": applied.changed, "removed": applied.removed},
        f"{sources} sources read, {len(applied.created) + len(applied.changed)} entities changed.",
    )


@app.command()
def unregister(
    what: Annotated[str, typer.Argument(help="As it was registered: a path, repository or address.")],
) -> None:
    """Unregister a location and remove what it alone brought; undo is on the ingestion page."""
    target = guess_location(what)
    source = overview.registration_at(target.type, target.target)
    if source is None:
        fail(f"{target} is not registered", "`callboard catalog status` counts what is; the ingestion page lists it.")
    removed = locations.unregister_location(str(source.uid))
    show(
        {"location": str(target), "removed": removed},
        f"{target} is unregistered, {len(removed)} entities went with it.",
    )


@app.command()
def push(
    files: Annotated[list[str], typer.Argument(help="Catalog files in YAML or JSON; - reads standard input.")],
    name: Annotated[str, typer.Option("--set", help="The set that these entities belong to.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the set holds besides these.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Replace even if most of the set goes.")] = False,
    remove: Annotated[list[str], typer.Option("--remove", help="Ref of an entity to take out of the set.")] = [],  # noqa: B006
) -> None:
    """Push entities into a set. Exits with 1 if any of them is rejected."""
    entities: list[Any] = []
    for file in files:
        try:
            content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            fail(f"{file} cannot be read: {error.strerror}", "Check the path.")
        found, problems = importing.entities_in(content, "stdin" if file == "-" else str(Path(file).resolve()))
        if problems:
            fail(str(problems[0]))
        entities += found
    try:
        pushed = pushing.push(name, entities, removed=remove, replace=replace, dry_run=dry_run, confirmed=confirm)
    except ProblemError as error:
        fail(str(error))
    shown = [item for item in pushed.items if item.result not in {"unchanged", "absent"}]
    lines = [f"{item.result:>9} {item.ref or f'item {item.index}'}" for item in shown if item.result != "rejected"]
    for item in pushed.items:
        lines += [f" rejected {item.ref or f'item {item.index}'}: {problem}" for problem in item.problems]
    lines.append(
        ("It would be: " if dry_run else "")
        + (", ".join(f"{n} {result}" for result, n in sorted(pushed.counts.items())) or "nothing")
        + "."
    )
    show(pushed.as_dict(), "\n".join(lines))
    if pushed.counts.get("rejected"):
        raise typer.Exit(1)


@app.command("sets")
def list_sets() -> None:
    """List the sets of pushed entities."""
    rows = [
        {
            "set": source.target.removeprefix(PREFIX),
            "entities": source.entity_count,  # type: ignore[attr-defined]  # annotated by the selector
            "pushed_by": source.registered_by,
            "pushed_at": source.read_at.isoformat() if source.read_at else None,
        }
        for source in sets.pushed_sets()
    ]
    lines = [f"{row['entities']:>8} {row['set']}, last pushed by {row['pushed_by']}" for row in rows]
    show(rows, "\n".join(lines) or "Nothing is pushed.")


@app.command()
def held(
    confirm: Annotated[str, typer.Option(help="Id of a held deletion to let happen.")] = "",
    keep: Annotated[str, typer.Option(help="Id of a held deletion whose entities stay.")] = "",
) -> None:
    """List mass deletions that wait for a decision, or decide on one."""
    try:
        if confirm:
            removed = deciding.confirm_deletion(confirm)
            show({"removed": removed}, f"{len(removed)} entities are removed.")
            return
        if keep:
            count = deciding.keep_entities(keep)
            show({"kept": count}, f"{count} entities stay.")
            return
    except deciding.HoldMissingError as error:
        fail(str(error), "`callboard catalog held` lists them.")
    rows = [
        {"id": str(hold.source.uid), "source": str(hold.source), "state": hold.state, "refs": hold.refs}
        for hold in sets.holds()
    ]
    lines = [f"{row['id']}  {row['state']}  {len(row['refs'])} entities of {row['source']}" for row in rows]
    show(rows, "\n".join(lines) or "No deletion is held.")


@app.command()
def status() -> None:
    """Say how many entities there are, where they come from and what is wrong."""
    found = overview.status()
    lines = [f"{n:>8} {kind}" for kind, n in found["entities"].items()]
    lines.append(f"{found['locations']} locations registered, {found['sources']} read, {found['waiting']} waiting.")
    lines.append(f"{found['problems']} problems, {found['failing']} sources cannot be read.")
    show(found, "\n".join(lines))


def _drawn(bar: Progress) -> Callable[[int, int, str], None]:
    """Draw the engine's progress: it says how far it is, a bar wants to know how much further."""
    seen = 0

    def draw(done: int, total: int, _message: str) -> None:
        nonlocal seen
        bar.total(total)
        bar.advance(done - seen)
        seen = done

    return draw


def _place(problem: dict[str, Any]) -> str:
    place = problem["place"]
    where = place["url"] + (f":{place['line']}" if place["line"] else "")
    return f"{where} {place['path']}".strip()


@contextmanager
def _open(output: Path | None) -> Iterator[Any]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8") as stream:
            yield stream
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}", "Choose another file.")
