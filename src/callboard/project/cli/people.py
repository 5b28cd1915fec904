"""Commands for API tokens and accounts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from callboard.core.config.console import fail, note, show, table

if TYPE_CHECKING:
    from callboard.core.auth.models import ApiToken

tokens = typer.Typer(help="API tokens.", no_args_is_help=True)
users = typer.Typer(help="Local accounts.", no_args_is_help=True)


def _start() -> None:
    """Act as the operator of the machine for the rest of the process."""
    from callboard.project.boot import start_django

    start_django()
    from callboard.core.auth.principal import OPERATOR, become

    become(OPERATOR, "cli")


def _refused(error: Exception) -> NoReturn:
    fail(str(error), code="refused")


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="read, write, admin or a permission; repeatable.")] = None,
    expires_days: Annotated[int | None, typer.Option(help="Days it is valid; without, it never ends.", min=1)] = None,
    user: Annotated[str, typer.Option(help="Username of the account it acts as.")] = "",
) -> None:
    """Create a token and print it alone on standard output; it is shown this once."""
    _start()
    from callboard.plugins.portal import public

    try:
        row, secret = public.create_token(name, scope or ["read", "write"], expires_days, user)
    except ValueError as error:
        _refused(error)
    show({**_token(row), "token": secret}, secret)


@tokens.command("list")
def list_tokens() -> None:
    """List the tokens that are valid."""
    _start()
    from callboard.core.auth import services

    rows = [_token(row) for row in services.list_tokens()]
    columns = {"id": "ID", "name": "NAME", "hint": "BEGINS", "subject": "ACTS AS", "scopes": "SCOPES",
               "expiresAt": "EXPIRES", "lastUsedAt": "LAST USED"}  # fmt: skip
    show(rows, table(rows, columns) if rows else "There are no tokens.")


@tokens.command("revoke")
def revoke_token(token: Annotated[str, typer.Argument(help="ID or name of the token.")]) -> None:
    """Revoke a token; programs that use it are refused from now on."""
    _start()
    from callboard.core.auth import services

    found = [row for row in services.list_tokens() if token in {str(row.id), row.name}]
    if len(found) != 1:
        fail(
            f"there are {len(found)} tokens called {token!r}" if found else f"there is no token {token!r}",
            "`callboard token list` shows their IDs.",
            code="not-found",
        )
    from callboard.plugins.portal import public

    public.revoke_token(found[0].id)
    show(_token(found[0]), f"Revoked {found[0].name} ({found[0].hint}…).")


def _token(row: ApiToken) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "hint": row.hint,
        "subject": row.subject,
        "scopes": list(row.scopes),
        "createdAt": _time(row.created_at),
        "expiresAt": _time(row.expires_at),
        "lastUsedAt": _time(row.last_used_at),
    }


def _time(value: Any) -> str | None:
    return value.isoformat(timespec="seconds") if value else None


@users.command("create")
def create_user(
    username: str,
    email: Annotated[str, typer.Option(help="Mail address.")] = "",
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    administrator: Annotated[bool, typer.Option("--administrator", help="May do everything.")] = False,
    entity_ref: Annotated[str, typer.Option(help="User entity, such as user:default/ada.")] = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """Create a local account; the password is asked for, or read from standard input."""
    if password_stdin or not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if not password:
        fail("no password was given", "Type one, or pipe it in with --password-stdin.", code="usage", status=2)
    _start()
    from callboard.plugins.portal import public

    try:
        user, _ = public.create_user(
            username,
            password=password,
            email=email,
            name=name,
            administrator=administrator,
            entity_ref=entity_ref,
        )
    except ValueError as error:
        _refused(error)
    note("Created.")
    show(
        {"username": user.username, "email": user.email, "administrator": user.is_superuser},
        f"{user.username}{' (administrator)' if user.is_superuser else ''} can sign in now.",
    )
