"""A database of its own for a measurement: the server `DATABASE_URL` names, or an embedded one."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


@contextmanager
def database(name: str) -> Iterator[None]:
    """Set Django up with an empty, migrated database, and drop it at the end."""
    from callboard.project import testing

    url = testing.database_url()
    import psycopg

    own = f"bench_search_{name}_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{own}"')
    os.environ["DATABASE_URL"] = testing.database_named(url, own)
    try:
        from callboard.project.boot import start_django

        start_django()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from callboard.core.auth.principal import SYSTEM, act_as

        with act_as(SYSTEM, "system"):
            yield
    finally:
        from django.db import connection, connections

        connections.close_all()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool:
            close_pool()
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{own}" WITH (FORCE)')


def machine() -> str:
    """Say where and when it was measured."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next(
            (line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line), ""
        )
    return f"{datetime.now(tz=UTC):%Y-%m-%d}, {os.cpu_count()} × {model or platform.machine()}, Python {platform.python_version()}."
