"""Decide which tasks run: so many at once on all workers, the oldest first, each as whoever started it."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils import timezone

from callboard.plugins.scaffolder.models import Task
from callboard.plugins.scaffolder.services.keeping import principal_from_json, settings
from callboard.sdk.auth import act_as, acting
from callboard.sdk.jobs import start

JOB = "scaffolder.run"
LOCK = 0x63625301


def dispatch() -> int:
    """Start as many waiting tasks as may run; answer how many. Part of the caller's transaction."""
    started = 0
    with transaction.atomic(), connection.cursor() as cursor:
        # One at a time, so that two ends at once do not start one too many.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        running = Task.objects.filter(status=Task.Status.PROCESSING).count()
        running += Task.objects.filter(status=Task.Status.OPEN, waits="", run_id__isnull=False).count()
        free = settings().concurrent_tasks - running
        if free <= 0:
            return 0
        waiting = Task.objects.filter(status=Task.Status.OPEN, waits="turn").order_by("created_at")[:free]
        for task in waiting:
            with act_as(principal_from_json(task.acting), acting().door):
                task.run_id = start(JOB, title=task.title or task.template_ref, task=str(task.pk))
            task.waits = ""
            task.last_heartbeat_at = timezone.now()
            task.save(update_fields=["run_id", "waits", "last_heartbeat_at"])
            started += 1
    return started
