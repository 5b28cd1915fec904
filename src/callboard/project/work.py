"""The worker process: it runs jobs and schedules."""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callboard.core.config.schema import PortalConfig

SETTLED_SECONDS = 4.0
"""After this the portal has started, and something that can wait no longer slows it down."""


def run() -> None:
    """Run jobs until a signal says to stop."""
    from callboard.project.boot import settle_memory, start_django

    config = start_django()
    from callboard.core.jobs.worker import run as run_jobs
    from callboard.project.logging import configure

    configure(config.log.level, config.log.format)
    settle_memory()
    threading.Thread(target=_try_vectors, args=[config], daemon=True, name="vectors").start()
    run_jobs(config.jobs.concurrency)


def _try_vectors(config: PortalConfig) -> None:
    """Make it possible to search by meaning, once the portal answers; a portal without it works as well."""
    time.sleep(SETTLED_SECONDS)
    from callboard.core.search.semantic import probe
    from callboard.project.boot import is_embedded
    from callboard.project.postgres.vectors import enable_vectors

    try:
        if not is_embedded(config) or enable_vectors(config.data_dir):
            probe()
    except Exception:
        logging.getLogger(__name__).exception("the vector extension could not be tried")


if __name__ == "__main__":
    from callboard.project.guarded import guarded

    sys.exit(guarded(run))
