"""Ask the database the questions that are asked most: past the ORM, on connections that stay open, prepared.

A request that uses Django's connection takes one from the pool, has it checked, and has its statement parsed and
planned. For an answer that takes the database a tenth of a millisecond all of that costs more than the answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection
from psycopg import ClientCursor

KEPT = 16
"""Connections that are kept open while nobody asks."""

_idle: deque[psycopg.Connection[Any]] = deque()


def fetch(statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    """Answer the rows of a statement that reads.

    A transaction that is open in this thread is read from within; otherwise the statement sees what is committed.
    Raises Django's database errors.
    """
    if connection.connection is not None or not connection.settings_dict["OPTIONS"].get("pool"):
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found
    with connection.wrap_database_errors:
        try:
            held = _idle.pop()
        except IndexError:
            return _ask(_open(), statement, parameters)
        try:
            return _ask(held, statement, parameters)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            # It may have died while it was idle, and then so did the others.
            forget_connections()
            return _ask(_open(), statement, parameters)


def literal(statement: str, parameters: Sequence[Any]) -> str:
    """Write the parameters into a statement.

    A statement that is asked again and again with the same values can then be planned once, for those values.
    """
    connection.ensure_connection()
    return ClientCursor(connection.connection).mogrify(statement, parameters)


def forget_connections() -> None:
    """Close what is kept open."""
    while _idle:
        _idle.pop().close()


def _open() -> psycopg.Connection[Any]:
    parameters = {**connection.get_connection_params(), "autocommit": True}
    for ours in ("context", "cursor_factory", "pool", "server_side_binding", "assume_role", "isolation_level"):
        parameters.pop(ours, None)
    parameters.setdefault("prepare_threshold", 3)
    return psycopg.connect(**parameters)


def _ask(held: psycopg.Connection[Any], statement: str, parameters: Sequence[Any] | None) -> list[tuple[Any, ...]]:
    try:
        rows = held.execute(statement, parameters).fetchall()
    except BaseException:
        held.close()
        raise
    if len(_idle) < KEPT:
        _idle.append(held)
    else:
        held.close()
    return rows
