"""Bring the database to this version, one process at a time however many machines start at once."""

from __future__ import annotations

import sys
import time

from callboard.project.problems import Problem

LOCK = 0x63616C6C  # "call": the number of the advisory lock means nothing but has to be the same everywhere
WAIT_SECONDS = 600


def migrate() -> list[str]:
    """Apply what is missing and answer the names of the migrations that were applied."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    _lock()
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            call_command("migrate", interactive=False, verbosity=0)
        return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


def _lock() -> None:
    """Wait for another process that is migrating the same database."""
    from django.db import connection

    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone()[0]:
                return
        if time.monotonic() > deadline:
            raise Problem(
                f"another process has been migrating this database for {WAIT_SECONDS // 60} minutes",
                "Look at that process; if there is none, end its session in PostgreSQL (pg_stat_activity).",
                "migrate-busy",
            )
        time.sleep(0.2)


def main() -> None:
    """Migrate in a process of its own, for the supervisor."""
    from callboard.project.boot import start_django

    start_django()
    migrate()


if __name__ == "__main__":
    from callboard.project.guarded import guarded

    sys.exit(guarded(main))
