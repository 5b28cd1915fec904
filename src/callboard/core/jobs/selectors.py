"""Read what the job pages, `doctor` and the API show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from callboard.core.auth.principal import principal
from callboard.core.jobs.models import LogLine, Run, Schedule, Worker
from callboard.core.jobs.recovery import living_workers
from callboard.core.jobs.services import MANAGE, off_reason, require_own
from callboard.core.permissions.services import authorize
from callboard.core.registry.contract import Job
from callboard.core.registry.store import registry


@dataclass(frozen=True)
class WorkerView:
    """A worker process; ``alive`` is whether it still holds its lock."""

    id: int
    host: str
    pid: int
    concurrency: int
    started_at: datetime
    heartbeat_at: datetime
    stopping: bool
    alive: bool
    running: int


@dataclass(frozen=True)
class ScheduleView:
    """A job that starts by itself: when next, when last, and why not, where it does not."""

    job: str
    title: str
    cron: str
    plugin: str
    next_at: datetime | None
    last_at: datetime | None
    last_run: UUID | None
    problem: str
    on: bool


def may_manage() -> bool:
    """Whether the caller sees and may stop everybody's runs."""
    return authorize(MANAGE).allowed


def runs(*, state: str = "", job: str = "", person: str = "", hidden: bool = False) -> QuerySet[Run]:
    """Answer the runs that the caller may see, newest first: all for managers, their own for others."""
    found = Run.objects.all()
    if not may_manage():
        who = principal()
        found = found.filter(started_by=who.ref) if who.signed_in and who.type != "guest" else found.none()
    if not hidden:
        found = found.filter(hidden=False)
    if state:
        found = found.filter(state=state)
    if job:
        found = found.filter(job=job)
    if person:
        found = found.filter(started_by=person)
    return found.defer("traceback", "acting", "arguments")


def counts(found: QuerySet[Run]) -> dict[str, int]:
    """Answer how many of these runs are in each state, every state named."""
    numbers = dict(found.order_by().values_list("state").annotate(n=Count("pk")))
    return {state: numbers.get(state, 0) for state in Run.State.values}


def jobs_seen() -> list[tuple[str, str]]:
    """Answer id and title of every job that is installed, for the filter."""
    return sorted({(job.id, job.title or job.id) for _, job in registry.every(Job)}, key=lambda item: item[1])


def run(run_id: UUID) -> Run | None:
    """Answer one run, if there is one. Raises ``NotAllowedError`` if it is not the caller's to see."""
    found = Run.objects.filter(pk=run_id).first()
    if found is not None:
        require_own(found)
    return found


def lines(run_id: UUID, after: int = 0, limit: int = 1000) -> list[LogLine]:
    """Answer the log of a run after line ``after``; at the beginning, only its last ``limit`` lines."""
    found = LogLine.objects.filter(run_id=run_id, n__gt=after)
    if after:
        return list(found.order_by("n")[:limit])
    return list(reversed(found.order_by("-n")[:limit]))


def waits_for(found: Run) -> Run | None:
    """Answer the run that holds the lock a waiting run needs."""
    if found.state != Run.State.QUEUED or not found.lock:
        return None
    return Run.objects.filter(lock=found.lock, state=Run.State.RUNNING).exclude(pk=found.pk).first()


def workers() -> list[WorkerView]:
    """Answer the worker processes known, living ones first."""
    alive = living_workers()
    busy = dict(Run.objects.filter(state=Run.State.RUNNING).order_by().values_list("worker").annotate(n=Count("pk")))
    rows = [
        WorkerView(
            row.pk,
            row.host,
            row.pid,
            row.concurrency,
            row.started_at,
            row.heartbeat_at,
            row.stopping,
            row.pk in alive,
            busy.get(row.pk, 0),
        )
        for row in Worker.objects.order_by("-heartbeat_at")
    ]
    return sorted(rows, key=lambda item: not item.alive)


def worker_alive() -> bool:
    """Whether at least one worker lives, without which nothing that waits ever runs."""
    return bool(living_workers())


def schedules() -> list[ScheduleView]:
    """Answer every scheduled job of every installed plugin, on or off."""
    rows = {row.job: row for row in Schedule.objects.all()}
    off = registry.disabled()
    views = []
    for plugin, job in registry.every(Job):
        if not job.schedule.strip():
            continue
        row, on = rows.get(job.id), plugin not in off
        problem = (row.problem if row else "") if on else off_reason(job.id)
        views.append(
            ScheduleView(
                job.id,
                job.title or job.id,
                job.schedule.strip(),
                plugin,
                row.next_at if row and on else None,
                row.last_at if row else None,
                row.last_run if row else None,
                problem,
                on,
            )
        )
    never = timezone.now().replace(year=9999)
    return sorted(views, key=lambda item: (item.next_at or never, item.title))
