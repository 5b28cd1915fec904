"""`callboard onboarding …`: choose, list, import, request."""

from __future__ import annotations

from typing import Annotated

import typer

from callboard.lib.problems import ProblemError
from callboard.plugins.onboarding import selectors, services
from callboard.plugins.onboarding.models import Repository
from callboard.sdk.cli import fail, show

app = typer.Typer(help="Bring repositories into the catalog without writing YAML.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(help="Repositories by their full names, such as acme/shop.")]


@app.command()
def choose(host: Annotated[str, typer.Argument(help="Name of a connected host.")], names: Names) -> None:
    """Choose repositories; the running portal looks at them."""
    try:
        rows = services.choose(host, names)
    except ProblemError as error:
        fail(str(error))
    show([selectors.shape(row) for row in rows], f"{len(rows)} repositories are being looked at.")


@app.command("list")
def list_() -> None:
    """List chosen repositories with what is suggested for them."""
    rows = list(selectors.chosen())
    lines = []
    for row in rows:
        lines.append(f"{row.state:>10}  {row.full_name}  {row.pull_request or row.message}".rstrip())
        lines += [f"            {c.name}: {c.type}, {c.owner} ({c.path or '/'})" for c in selectors.components_of(row)]
    show([selectors.shape(row) for row in rows], "\n".join(lines) or "No repository is chosen.")


@app.command("import")
def import_(names: Names) -> None:
    """Import repositories as entities that the portal manages."""
    done = services.import_repositories(_rows(names))
    show(done, "\n".join([f"{len(done['imported'])} entities imported.", *done["rejected"]]))
    if done["rejected"]:
        raise typer.Exit(1)


@app.command()
def request(names: Names) -> None:
    """Open pull requests that add catalog-info.yaml; the running portal does it."""
    count = services.request_files(_rows(names))
    show({"requested": count}, f"{count} pull requests are being opened.")


def _rows(names: list[str]) -> list[Repository]:
    rows = {row.full_name: row for row in selectors.chosen()}
    missing = [name for name in names if name not in rows]
    if missing:
        fail(f"{missing[0]} was not chosen", "`callboard onboarding choose HOST NAME` looks at it.")
    return [rows[name] for name in names]
