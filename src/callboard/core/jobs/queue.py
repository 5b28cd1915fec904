"""Put runs into the queue of Procrastinate and take them out again, on Django's own connection.

The queue is transport alone: one task for every job, one entry for every attempt, deleted when it is
over. What people see, and what decides whether a run may start, stands in ``cb_jobs_run``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from procrastinate.contrib.django import app

from callboard.core.jobs.models import Run

TASK = "callboard.run"


def enqueue(run: Run, queue: str = "default", at: datetime | None = None) -> None:
    """Queue the next attempt of ``run`` in the caller's transaction; its commit wakes a worker."""
    options: dict[str, Any] = {"queue": queue, "lock": run.lock or None}
    if at is not None:
        options["schedule_at"] = at
    run.procrastinate_job_id = app.configure_task(TASK, **options).defer(run_id=str(run.pk))
    Run.objects.filter(pk=run.pk).update(procrastinate_job_id=run.procrastinate_job_id)


def drop(job_ids: list[int]) -> None:
    """Remove entries from the queue, whatever state they are in."""
    if job_ids:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [job_ids])


def waiting_entry_taken(run_id: UUID) -> bool:
    """Whether the queue entry of the run is already in a worker's hands."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM procrastinate_jobs j JOIN cb_jobs_run r ON r.procrastinate_job_id = j.id"
            " WHERE r.id = %s AND j.status = 'doing'",
            [run_id],
        )
        return cursor.fetchone() is not None
