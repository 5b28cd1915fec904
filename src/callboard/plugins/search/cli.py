"""`callboard search …`: find things, renew the index, say how it stands."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from callboard.plugins.search.services import index
from callboard.sdk.cli import fail, note, progress, show, table
from callboard.sdk.search import SearchIndexError, SearchRequest, index_status, known_types, probe, search


class _QueryFirst(TyperGroup):
    """Takes what is no subcommand as something to look for."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["find", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_QueryFirst, help="Find anything: `callboard search QUERY`. Look after the index.", no_args_is_help=True
)


@app.command()
def find(
    words: Annotated[list[str], typer.Argument(help="What to look for; operators such as kind:api are understood.")],
    type_: Annotated[list[str], typer.Option("--type", help="Document types.")] = [],  # noqa: B006
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    mode: Annotated[str, typer.Option(help="fused, keyword or semantic.")] = "fused",
    explain: Annotated[bool, typer.Option("--explain", help="Say why each result stands where it stands.")] = False,
) -> None:
    """Find things."""
    if mode not in {"fused", "keyword", "semantic"}:
        fail(f"unknown mode {mode!r}", "Use fused, keyword or semantic.")
    unknown = sorted(set(type_) - set(known_types()))
    if unknown:
        fail(f"there is no document type {unknown[0]!r}", f"There are: {', '.join(known_types())}.")
    request = SearchRequest(" ".join(words), types=tuple(type_), limit=limit, mode=mode, explain=explain)  # type: ignore[arg-type]
    answer = search(request)
    rows = [
        {"type": hit.type, "title": hit.title, "location": hit.location, "score": round(hit.score, 4)}
        | ({"why": dict(hit.why)} if explain else {})
        for hit in answer.hits
    ]
    if answer.corrected:
        note(f"Looked for “{answer.corrected}” instead.")
    columns = {"title": "TITLE", "type": "TYPE", "location": "LOCATION"} | ({"why": "WHY"} if explain else {})
    text = table(rows, columns) if rows else "Nothing was found."
    show({"results": rows, "corrected": answer.corrected, "total": answer.total, "more": answer.more}, text)


@app.command()
def reindex(
    types: Annotated[list[str] | None, typer.Argument(help="Document types; all when none is named.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Write documents that did not change as well.")] = False,
) -> None:
    """List everything again, now and in this process. Searches go on meanwhile."""
    wanted = tuple(types or ())
    unknown = sorted(set(wanted) - set(known_types()))
    if unknown:
        fail(f"there is no document type {unknown[0]!r}", f"There are: {', '.join(known_types())}.")
    with progress("Listing"):
        try:
            written = index.rebuild_types(wanted, anew=anew, log=lambda text, *_: note(text))
        except SearchIndexError as error:
            fail(str(error), "The jobs page shows more; what was found before is still found.")
    show({"written": written, "types": list(wanted or known_types())}, f"{written} documents written.")


@app.command()
def status(
    try_again: Annotated[
        bool, typer.Option("--try-again", help="Try the vector extension again, although it crashed.")
    ] = False,
) -> None:
    """Say what is indexed, since when, and whether meaning is searched."""
    if try_again:
        probe(again=True)
    found = index_status()
    rows = [
        {"type": item.type, "documents": item.documents, "built": item.built_at or "never", "error": item.error}
        for item in found.types
    ]
    columns = {"type": "TYPE", "documents": "DOCUMENTS", "built": "LISTED", "error": "PROBLEM"}
    meaning = f"on ({found.semantic.model}, {found.semantic.waiting} waiting)" if found.semantic.on else "off"
    text = f"{table(rows, columns)}\n\nEngine: {found.engine}\nMeaning: {meaning}"
    if found.semantic.reason:
        text += f"\n  {found.semantic.reason}"
    show(
        {
            "engine": found.engine,
            "types": rows,
            "semantic": {
                "on": found.semantic.on,
                "model": found.semantic.model,
                "waiting": found.semantic.waiting,
                "reason": found.semantic.reason,
            },
        },
        text,
    )
