"""Take up again what a dead worker left behind, so that no run is lost and none runs twice at once.

A worker is alive as long as it holds the advisory lock on its id: PostgreSQL frees the lock the moment
the connection ends, which it does when the process is killed, and keeps it while a process is merely
slow. The heartbeat of a run bridges the short time in which a living worker is connecting again.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from callboard.core.jobs import queue
from callboard.core.jobs.models import Run, Worker
from callboard.core.jobs.running import requeue
from callboard.core.jobs.services import off_reason
from callboard.core.registry.contract import Job
from callboard.core.registry.store import registry

log = logging.getLogger(__name__)

WORKER_LOCKS = 0x63620001
"""First half of the advisory locks of workers; the second is the worker's id."""
RECOVERY_LOCK = 0x63620002

STALE_SECONDS = 5.0
RECONNECT_SECONDS = 15.0
"""How long after the start of PostgreSQL living workers may need to take their locks again."""
LOST_ENTRY_SECONDS = 30.0
CRASHES = 3
"""Attempts after which a run that takes its worker down with it is given up."""

HELD = (
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
    " AND classid = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def living_workers() -> set[int]:
    """Answer the ids of the workers that hold their lock."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, [WORKER_LOCKS])
        return {row[0] for row in cursor.fetchall()}


def recover() -> int:
    """Queue anew, or fail with the reason, every run whose worker is dead; answer how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [RECOVERY_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT now() - pg_postmaster_start_time() < %s * interval '1 second'", [RECONNECT_SECONDS])
        if cursor.fetchone()[0]:
            return 0
        alive = living_workers()
        count = _dead_runs(alive) + _lost_entries()
        _left_over_entries()
        Worker.objects.exclude(pk__in=alive).filter(heartbeat_at__lt=timezone.now() - timedelta(days=1)).delete()
    return count


def _dead_runs(alive: set[int]) -> int:
    stale = timezone.now() - timedelta(seconds=STALE_SECONDS)
    dead = (
        Run.objects.select_for_update(skip_locked=True)
        .filter(state=Run.State.RUNNING, heartbeat_at__lt=stale)
        .exclude(worker__in=alive)
    )
    count = 0
    for run in dead:
        count += 1
        queue.drop([run.procrastinate_job_id] if run.procrastinate_job_id else [])
        job = registry.find(Job, run.job)
        if run.cancel_requested_at:
            _end(run, Run.State.CANCELLED, "Cancelled; its worker had already ended.", "")
        elif job is None:
            _end(
                run,
                Run.State.FAILED,
                f"Its worker ended unexpectedly. {off_reason(run.job)}",
                "Retry it by hand.",
            )
        elif run.attempt >= max(run.max_attempts, CRASHES):
            _end(
                run,
                Run.State.FAILED,
                f"Its worker ended unexpectedly while it ran, {run.attempt} times.",
                "The job may need more memory than there is; look at the worker's log before you retry it.",
            )
        else:
            run.error = "Its worker ended unexpectedly while it ran; it begins again."
            requeue(run, job.queue, 0)
        log.warning("run %s of %s: its worker is gone, now %s", run.pk, run.job, run.state)
    return count


def _end(run: Run, state: Any, error: str, remedy: str) -> None:
    run.state, run.error, run.remedy = state, error, remedy
    run.finished_at, run.token = timezone.now(), None
    run.save()


def _lost_entries() -> int:
    """Queue anew what waits without a queue entry, or with one that a dead worker took but never began."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id FROM cb_jobs_run r LEFT JOIN procrastinate_jobs j ON j.id = r.procrastinate_job_id"
            " LEFT JOIN procrastinate_workers w ON w.id = j.worker_id"
            " WHERE r.state = 'queued' AND r.queued_at < now() - %(s)s * interval '1 second'"
            " AND (j.id IS NULL OR j.status NOT IN ('todo', 'doing') OR (j.status = 'doing'"
            "      AND (w.id IS NULL OR w.last_heartbeat < now() - %(s)s * interval '1 second')))",
            {"s": LOST_ENTRY_SECONDS},
        )
        ids = [row[0] for row in cursor.fetchall()]
    runs = Run.objects.select_for_update(skip_locked=True).filter(pk__in=ids, state=Run.State.QUEUED)
    count = 0
    for run in runs:
        count += 1
        queue.drop([run.procrastinate_job_id] if run.procrastinate_job_id else [])
        job = registry.find(Job, run.job)
        queue.enqueue(run, job.queue if job else "default", run.due_at)
    return count


def _left_over_entries() -> None:
    """Remove entries that a dead worker holds for runs that are over; they would keep their lock for ever."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs j WHERE j.status = 'doing' AND j.task_name = %(task)s"
            " AND NOT EXISTS (SELECT 1 FROM procrastinate_workers w WHERE w.id = j.worker_id"
            "   AND w.last_heartbeat > now() - %(s)s * interval '1 second')"
            " AND NOT EXISTS (SELECT 1 FROM cb_jobs_run r WHERE r.procrastinate_job_id = j.id"
            "   AND r.state IN ('queued', 'running'))",
            {"task": queue.TASK, "s": LOST_ENTRY_SECONDS},
        )
