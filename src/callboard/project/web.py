"""The web processes: Granian serving the WSGI application."""

from __future__ import annotations

import os
import sys
from typing import Any


def _application(_target: str) -> Any:
    # Granian's own loader guesses package names from the current directory, which may hold anything.
    from callboard.project.wsgi import application

    return application


def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve until a signal says to stop; a worker process that dies is started again."""
    os.environ["CALLBOARD_WEB"] = "1"  # tells the worker processes that their parent is Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "callboard.project.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        websockets=False,
        backpressure=max(threads * 4, 128),
        respawn_failed_workers=True,
        workers_kill_timeout=4,
        log_level=LogLevels.error,
    ).serve(target_loader=_application)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
