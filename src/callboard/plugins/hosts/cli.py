"""`callboard host …`: connections to source hosts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from callboard.plugins.hosts import selectors
from callboard.plugins.hosts.services import connections as verbs
from callboard.plugins.hosts.types.errors import HostError
from callboard.sdk.cli import fail, show, table

app = typer.Typer(help="Connections to source hosts.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List all connections."""
    rows = [
        {
            "name": one.host.name,
            "product": one.host.product,
            "url": one.host.url,
            "from": "callboard.yaml" if one.host.configured else "portal",
            "credentials": one.host.has_credentials,
            "signed_in": None if one.check is None else one.check.ok,
            "requests_left": one.limit.remaining if one.limit else None,
        }
        for one in selectors.states()
    ]
    heads = {
        "name": "NAME",
        "product": "PRODUCT",
        "url": "ADDRESS",
        "from": "FROM",
        "credentials": "CREDENTIALS",
        "signed_in": "SIGNED IN",
    }
    show(rows, table(rows, heads) if rows else "Nothing is connected; `callboard host add` connects a host.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the connection is called.")],
    product: Annotated[
        str, typer.Option(help="github, gitlab, bitbucket, bitbucket-server, azure, gitea, gerrit, git.")
    ],
    url: Annotated[str, typer.Option(help="Address people open; empty is the public service.")] = "",
    username: Annotated[str, typer.Option(help="Name that goes with the token, where one is needed.")] = "",
    token_stdin: Annotated[bool, typer.Option(help="Read the token from standard input.")] = False,
    private: Annotated[bool, typer.Option(help="The host may be on a private network.")] = False,
) -> None:
    """Connect a host and test it. The token is read from standard input, so that no list of processes shows it."""
    token = sys.stdin.readline().strip() if token_stdin else ""
    values = {"product": product, "url": url, "username": username, "token": token, "private": private}
    try:
        verbs.create_connection(name, values)
    except verbs.ConnectionInvalidError as error:
        fail(str(error))
    test(name)


@app.command()
def test(name: Annotated[str, typer.Argument(help="Name of the connection.")]) -> None:
    """Sign in and say as whom, or what is wrong."""
    try:
        found = verbs.check_connection(name)
    except verbs.ConnectionMissingError:
        fail(f"there is no connection called {name}", "`callboard host list` lists them.")
    if not found.ok:
        fail(found.message, found.remedy)
    login = found.account.login if found.account else ""
    show({"name": name, "ok": True, "account": login}, f"{name}: signed in as {login}.")


@app.command()
def repositories(
    name: Annotated[str, typer.Argument(help="Name of the connection.")],
    owner: Annotated[str, typer.Argument(help="Organisation, group, workspace or project.")],
) -> None:
    """List the repositories of an organisation."""
    try:
        with verbs.client_for(name) as client:
            rows = [
                {
                    "name": one.full_name,
                    "branch": one.default_branch,
                    "visibility": one.visibility,
                    "archived": one.archived,
                }
                for one in client.repositories(owner)
            ]
    except HostError as error:
        fail(error.message, error.remedy)
    show(rows, table(rows, {"name": "NAME", "branch": "BRANCH", "visibility": "VISIBILITY", "archived": "ARCHIVED"}))


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of the connection.")]) -> None:
    """Remove a connection with its secrets."""
    try:
        verbs.delete_connection(name)
    except verbs.ConnectionMissingError:
        fail(f"no connection called {name} was made in the portal", "Those of callboard.yaml are removed there.")
    show({"name": name, "removed": True}, f"{name} is removed.")
