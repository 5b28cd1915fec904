"""Run one attempt of a run: take it, act as its starter, call the job, write down how it ended."""

from __future__ import annotations

import logging
import random
import time
import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from callboard.core.auth.models import User
from callboard.core.auth.principal import act_as
from callboard.core.jobs import live, queue
from callboard.core.jobs.context import (
    JobCancelledError,
    JobContext,
    JobTimedOutError,
    RunLostError,
    StopRunError,
)
from callboard.core.jobs.models import Run
from callboard.core.jobs.services import off_reason, principal_from_json
from callboard.core.registry.contract import Job
from callboard.core.registry.store import registry
from callboard.lib.memory import give_back
from callboard.lib.problems import ProblemError

log = logging.getLogger(__name__)

BACKOFF_SECONDS = 2.0
BACKOFF_CAP = 600.0
LONG = 1.0
"""Seconds after which a run has used enough memory for giving it back to be worth the while."""
PATIENCE_SECONDS = 120.0
"""How long the end of a run is kept in memory while the database is away; recovery comes after that."""


@dataclass
class Outcome:
    """How an attempt ended."""

    state: Any  # a Run.State
    error: str = ""
    remedy: str = ""
    traceback: str = ""
    retry: bool = False
    uncounted: bool = False


def execute(run_id: UUID, queue_entry: int) -> None:
    """Run the attempt that a queue entry stands for, if it still stands for one."""
    run = _claim(run_id, queue_entry)
    if run is None:
        return
    job = registry.find(Job, run.job)
    context = JobContext(
        run.pk,
        run.token or uuid4(),
        attempt=run.attempt,
        timeout=job.timeout if job else 0,
        lines=run.log_lines,
        arguments=run.arguments,
    )
    live.add(context)
    began = time.monotonic()
    try:
        outcome = _call(job, run, context)
        _finish_patiently(run, job, context, outcome)
    finally:
        live.remove(context)
        if time.monotonic() - began > LONG:
            give_back()


def _claim(run_id: UUID, queue_entry: int) -> Run | None:
    with transaction.atomic():
        run = Run.objects.select_for_update().filter(pk=run_id).first()
        if run is None or run.state != Run.State.QUEUED or run.procrastinate_job_id != queue_entry:
            # Cancelled meanwhile, or queued anew under another entry.
            return None
        now = timezone.now()
        run.state = Run.State.RUNNING
        run.attempt += 1
        run.token = uuid4()
        run.started_at = run.heartbeat_at = now
        run.due_at = None
        run.cancel_requested_at = None
        run.worker = live.worker_id()
        run.error = run.remedy = run.traceback = ""
        run.save()
    return run


def _call(job: Job | None, run: Run, context: JobContext) -> Outcome:
    refusal = _refusal(job, run)
    if refusal is not None or job is None:
        return refusal or Outcome(Run.State.FAILED)
    try:
        context.enter()
        try:
            with act_as(principal_from_json(run.acting), "job", request_id=str(run.pk)):
                _guarded(job, run, context)
        finally:
            context.leave()
    except BaseException as error:  # noqa: BLE001 - whatever a job raises, the run's page says it
        # Once more: a stop may have arrived in the midst of leaving.
        context.leave()
        return _outcome_of(error, run, context)
    if context.stopped_by is not None:
        return _outcome_of(context.stopped_by, run, context)
    return Outcome(Run.State.SUCCEEDED)


def _guarded(job: Job, run: Run, context: JobContext) -> None:
    with registry.guard(job):
        try:
            job.run(context, **run.arguments)
        except StopRunError as error:
            # To stop when asked to is no fault of the plugin.
            context.stop(error)


def _refusal(job: Job | None, run: Run) -> Outcome | None:
    if job is None:
        return Outcome(
            Run.State.FAILED, off_reason(run.job), "Switch the plugin on under Plugins, then retry this run."
        )
    user_id = run.acting.get("user_id")
    if user_id is not None and not User.objects.filter(pk=user_id, is_active=True).exists():
        return Outcome(
            Run.State.FAILED,
            f"The account of {run.started_by_name or run.started_by}, who started this, is no longer active.",
            "Start the job again as somebody else.",
        )
    return None


def _outcome_of(error: BaseException, run: Run, context: JobContext) -> Outcome:
    # A job may wrap or swallow the stop; what counts is that it was asked for.
    reason: BaseException = context.stopped_by or error
    if isinstance(reason, JobCancelledError):
        return Outcome(Run.State.CANCELLED, "Cancelled while it ran.")
    if isinstance(reason, RunLostError):
        return Outcome(Run.State.QUEUED, str(reason), retry=True, uncounted=True)
    more = run.attempt < run.max_attempts
    if isinstance(reason, JobTimedOutError):
        text = f"It was stopped because it took longer than its time limit of {context.timeout:g} seconds."
        return Outcome(
            Run.State.FAILED,
            text,
            "Look at the log for what it was busy with; retry it when the cause is gone.",
            retry=more,
        )
    trace = "".join(traceback.format_exception(error))[-20_000:].replace("\x00", "�")
    message = (str(error).strip() or type(error).__name__)[:4_000].replace("\x00", "�")
    remedy = ""
    if isinstance(error, ProblemError):
        remedy = " ".join(dict.fromkeys(problem.remedy for problem in error.problems))
    if isinstance(error, (OperationalError, InterfaceError)) and not _database_answers():
        return Outcome(
            Run.State.QUEUED,
            f"The database went away: {message}",
            traceback=trace,
            retry=True,
            uncounted=True,
        )
    return Outcome(Run.State.FAILED, message, remedy, trace, retry=more)


def _database_answers() -> bool:
    connection.close()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _finish_patiently(run: Run, job: Job | None, context: JobContext, outcome: Outcome) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.5
    while True:
        try:
            finish(run, job, context, outcome)
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            return


def finish(run: Run, job: Job | None, context: JobContext, outcome: Outcome) -> None:
    """Write the end of an attempt, or its return to the queue; nothing, if the attempt no longer counts."""
    progress, lines = context.take()
    try:
        with transaction.atomic():
            now = timezone.now()
            mine = Run.objects.select_for_update().filter(pk=run.pk, token=context.token, state=Run.State.RUNNING)
            current = mine.first()
            if current is None:
                log.warning("run %s: the end of a lost attempt was ignored", run.pk)
                return
            for name, value in (progress or {}).items():
                setattr(current, name, value)
            current.log_lines = live.write_lines(run.pk, lines) or current.log_lines
            current.error, current.remedy, current.traceback = (
                outcome.error,
                outcome.remedy,
                outcome.traceback,
            )
            current.token = None
            current.heartbeat_at = now
            if outcome.retry and not current.cancel_requested_at:
                _requeue(current, job, outcome)
            else:
                cancelled = outcome.retry and current.cancel_requested_at
                current.state = Run.State.CANCELLED if cancelled else outcome.state
                current.finished_at = now
                current.save()
    except BaseException:
        context.give_back(lines)
        raise


def _requeue(run: Run, job: Job | None, outcome: Outcome) -> None:
    if outcome.uncounted:
        run.attempt -= 1
        delay = 2.0
    else:
        delay = pause_after(run.attempt) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
    requeue(run, job.queue if job else "default", delay)


def pause_after(attempt: int) -> float:
    """Answer the seconds between a failed attempt and the next, before jitter."""
    return min(BACKOFF_CAP, BACKOFF_SECONDS * 2.0 ** (attempt - 1))


def requeue(run: Run, queue_name: str, delay: float) -> None:
    """Let ``run`` (locked by the caller) wait again; an identical run that already waits takes its place."""
    run.state = Run.State.QUEUED
    run.token = None
    run.worker = None
    run.due_at = timezone.now() + timedelta(seconds=delay) if delay else None
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        twin: Any = (
            Run.objects.filter(
                job=run.job, lock=run.lock, arguments_digest=run.arguments_digest, state=Run.State.QUEUED
            )
            .exclude(pk=run.pk)
            .values_list("pk", flat=True)
            .first()
        )
        run.state = Run.State.FAILED
        run.finished_at, run.due_at = timezone.now(), None
        run.remedy = f"It was not tried again: run {twin} waits to do the same."
        run.save()
        return
    queue.enqueue(run, queue_name, run.due_at)
