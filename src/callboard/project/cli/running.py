"""Commands that start the portal or a part of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from callboard.core.config.console import note, wants_json

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)]
Workers = Annotated[int | None, typer.Option(help="Number of web processes.", min=1, max=64)]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command()(up)
    app.command()(web)
    app.command()(worker)


def up(
    host: Host = None,
    port: Port = None,
    data_dir: Annotated[  # noqa: ARG001 - taken off the line before; here for the help
        Path | None, typer.Option(help="Where the portal keeps its files.")
    ] = None,
    config: Annotated[  # noqa: ARG001 - likewise
        Path | None, typer.Option(help="Configuration file.")
    ] = None,
    demo: Annotated[
        bool | None,
        typer.Option("--demo/--no-demo", help="Load the demo organisation and let guests look around."),
    ] = None,
    workers: Workers = None,
) -> None:
    """Start the whole portal: database, web and worker, under one supervisor. Ctrl-C stops it."""
    from callboard.project.boot import read_config, run_dir
    from callboard.project.supervisor.plan import Plan

    settings = read_config(_overrides(host, port, workers) | {"demo": demo})
    run_dir(settings.data_dir)
    plan = Plan(
        host=settings.server.host,
        port=settings.server.port,
        base_url=settings.server.base_url,
        data_dir=str(settings.data_dir),
        database_url=settings.database.url,
        workers=settings.server.workers,
        threads=settings.server.threads,
        demo=settings.demo,
        json=wants_json(),
    )
    # The supervisor lives long and stays small: it starts afresh without what reading settings took.
    os.environ["CALLBOARD_PLAN"] = plan.dump()
    sys.stdout.flush()
    sys.stderr.flush()
    program = [sys.executable, "-P", "-m", "callboard.project.supervisor"]
    os.execv(sys.executable, program)  # noqa: S606 - a fixed command


def web(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Start the web processes alone; the database has to be migrated."""
    from callboard.project.boot import read_config, use_database
    from callboard.project.web import serve

    settings = read_config(_overrides(host, port, workers))
    use_database(settings)
    note(f"Listening on http://{settings.server.host}:{settings.server.port}")
    serve(settings.server.host, settings.server.port, settings.server.workers, settings.server.threads)


def worker(
    concurrency: Annotated[int | None, typer.Option(help="Jobs at once.", min=1, max=64)] = None,
) -> None:
    """Start a worker alone: it runs jobs until it is stopped."""
    from callboard.project.boot import read_config
    from callboard.project.work import run

    read_config({"jobs.concurrency": concurrency})
    run()


def _overrides(host: str | None, port: int | None, workers: int | None) -> dict[str, Any]:
    return {"server.host": host, "server.port": port, "server.workers": workers}
