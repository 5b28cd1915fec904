"""Start scheduled jobs when they are due, each occurrence once, however many workers look."""

from __future__ import annotations

import logging
from datetime import datetime

from croniter import croniter
from croniter.croniter import CroniterError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from callboard.core.auth.principal import SYSTEM, act_as
from callboard.core.jobs.models import Schedule
from callboard.core.jobs.services import start
from callboard.core.registry.contract import Job
from callboard.core.registry.store import registry

log = logging.getLogger(__name__)


def next_occurrence(cron: str, after: datetime) -> datetime:
    """Answer the first moment after ``after`` that a cron expression (five fields, UTC) names.

    Raises ``ValueError`` for an expression that cannot be read or that never comes.
    """
    if len(cron.split()) != 5:
        raise ValueError(f"the schedule {cron!r} must have five fields: minute hour day month weekday")
    try:
        found: datetime = croniter(cron, after).get_next(datetime)
    except (CroniterError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"the schedule {cron!r} cannot be read: {error}") from error
    return found


def synchronise() -> None:
    """Make the table of schedules agree with what the plugins that are on say."""
    wanted = {job.id: job.schedule.strip() for job in registry.of(Job) if job.schedule.strip()}
    known = {row.job: row for row in Schedule.objects.all()}
    now = timezone.now()
    for job_id, cron in wanted.items():
        row = known.get(job_id)
        if row is not None and row.cron == cron:
            continue
        try:
            at, problem = next_occurrence(cron, now), ""
        except ValueError as error:
            at, problem = None, str(error)
            log.warning("job %s will not run by itself: %s", job_id, error)
        Schedule.objects.update_or_create(job=job_id, defaults={"cron": cron, "next_at": at, "problem": problem})
    installed = {job.id for _, job in registry.every(Job) if job.schedule.strip()}
    # A job of a plugin that is off keeps its row, and its history, for when it is on again.
    Schedule.objects.exclude(job__in=installed).delete()


def start_due() -> int:
    """Start every job that is due and answer how many; occurrences missed meanwhile count as one."""
    on = [job.id for job in registry.of(Job) if job.schedule.strip()]
    due = list(Schedule.objects.filter(Q(next_at__lte=timezone.now()), job__in=on).values_list("job", flat=True))
    count = 0
    for job_id in due:
        with transaction.atomic():
            # Whoever holds the row starts the run; the others see the new time when they get to it.
            row = (
                Schedule.objects.select_for_update(skip_locked=True)
                .filter(job=job_id, next_at__lte=timezone.now())
                .first()
            )
            if row is None:
                continue
            now = timezone.now()
            row.last_at = now
            try:
                row.next_at, row.problem = next_occurrence(row.cron, now), ""
            except ValueError as error:
                row.next_at, row.problem = None, str(error)
            try:
                with transaction.atomic(), act_as(SYSTEM, "job"):
                    row.last_run = start(job_id)
                    count += 1
            except ValueError as error:
                row.problem = str(error)
            row.save()
    return count
