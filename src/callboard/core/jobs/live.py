"""What runs in this process right now: report it twice a second, and hear of cancelled runs.

One thread and one connection serve all runs of the process. A job's own transactions neither hide its
progress nor take its log with them when they roll back.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from callboard.core.jobs.context import JobCancelledError, JobContext, RunLostError
from callboard.core.jobs.models import LogLine, Run

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.5
HEARTBEAT_SECONDS = 2.0

_contexts: dict[UUID, JobContext] = {}
_lock = threading.Lock()
_worker: list[int | None] = [None]


def set_worker(worker: int | None) -> None:
    """Say which row of ``cb_jobs_worker`` stands for this process."""
    _worker[0] = worker


def worker_id() -> int | None:
    """Answer the id of this process as a worker, if it is one."""
    return _worker[0]


def add(context: JobContext) -> None:
    """Report this run from now on."""
    with _lock:
        _contexts[context.token] = context


def remove(context: JobContext) -> None:
    """Report this run no longer."""
    with _lock:
        _contexts.pop(context.token, None)


def contexts() -> list[JobContext]:
    """Answer what runs in this process."""
    with _lock:
        return list(_contexts.values())


def write_lines(run_id: UUID, lines: list[tuple[int, datetime, str, str]]) -> int:
    """Write log lines and answer the number of the last one; 0 if there are none."""
    if not lines:
        return 0
    LogLine.objects.bulk_create(
        [LogLine(run_id=run_id, n=n, at=at, level=level, message=text) for n, at, level, text in lines],
        ignore_conflicts=True,
    )
    return lines[-1][0]


def report(heartbeat: bool) -> None:
    """Write what is new of every run of this process and pass on who has to stop."""
    running = contexts()
    for context in running:
        context.insist()
    for context in running:
        _write(context)
    if not running:
        return
    tokens = [context.token for context in running]
    counted = Run.objects.filter(token__in=tokens, state=Run.State.RUNNING)
    if heartbeat:
        counted.update(heartbeat_at=timezone.now())
    known = dict(counted.values_list("token", "cancel_requested_at"))
    for context in running:
        if context.token not in known:
            # The run may have just ended by itself, and then nobody hears this.
            context.stop(RunLostError("another worker has taken this run over"))
        elif known[context.token] is not None:
            context.stop(JobCancelledError("the run was cancelled"))


def _write(context: JobContext) -> None:
    progress, lines = context.take()
    if progress is None and not lines:
        return
    try:
        with transaction.atomic():
            changes = dict(progress or {})
            last = write_lines(context.run_id, lines)
            if last:
                changes["log_lines"] = last
            Run.objects.filter(pk=context.run_id, token=context.token).update(**changes)
    except BaseException:
        context.give_back(lines)
        raise


class Reporter(threading.Thread):
    """The thread that reports; it outlives a database that is away."""

    def __init__(self) -> None:
        super().__init__(name="job-reporter", daemon=True)
        self._stop_event = threading.Event()

    def stop(self) -> None:
        """End the thread."""
        self._stop_event.set()

    def run(self) -> None:
        """Report until told to stop."""
        since_heartbeat = HEARTBEAT_SECONDS
        failing = False
        while not self._stop_event.wait(REPORT_SECONDS):
            since_heartbeat += REPORT_SECONDS
            if not contexts():
                connection.close()
                continue
            due = since_heartbeat >= HEARTBEAT_SECONDS
            try:
                report(heartbeat=due)
                failing = False
            except DatabaseError as error:
                connection.close()
                if not failing:
                    log.warning("progress of jobs cannot be written for now: %s", error)
                failing = True
            if due:
                since_heartbeat = 0.0
        connection.close()
