"""The worker process: it runs jobs and schedules."""

from __future__ import annotations

import sys


def run() -> None:
    """Run jobs until a signal says to stop."""
    from callboard.project.boot import start_django

    config = start_django()
    from callboard.core.jobs.worker import run as run_jobs
    from callboard.project.logging import configure

    configure(config.log.level, config.log.format)
    run_jobs(config.jobs.concurrency)


if __name__ == "__main__":
    from callboard.project.guarded import guarded

    sys.exit(guarded(run))
