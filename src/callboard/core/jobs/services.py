"""Start, cancel and retry runs of jobs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone

from callboard.core.audit.services import record
from callboard.core.auth.principal import Principal, acting, principal
from callboard.core.jobs import queue
from callboard.core.jobs.models import Run
from callboard.core.permissions.decision import NotAllowedError
from callboard.core.permissions.services import authorize, require
from callboard.core.registry.contract import Job
from callboard.core.registry.store import registry
from callboard.lib.digest import content_hash
from callboard.lib.nearest import did_you_mean

MANAGE = "admin.jobs.manage"


class JobError(ValueError):
    """A run that cannot be started, cancelled or retried; the message says why and what to do."""


def start(job_id: str, title: str = "", **arguments: Any) -> UUID:
    """Queue a run of the job in the caller's transaction and answer its id.

    A worker is woken by the commit. For a job with a lock, an identical run (same job, same arguments)
    that still waits is answered instead of a second one; it will not begin before the caller's
    transaction ends, so it sees what the caller wrote.

    Raises :class:`JobError` for an unknown job and for arguments that are not plain JSON.
    """
    job = registry.find(Job, job_id)
    if job is None:
        hint = did_you_mean(job_id, [item.id for _, item in registry.every(Job)])
        raise JobError(f"no plugin that is switched on has a job called {job_id!r}. {hint}".rstrip())
    if job.permission:
        require(job.permission)
    try:
        plain = orjson.loads(orjson.dumps(arguments))
    except (TypeError, orjson.JSONEncodeError) as error:
        raise JobError(f"the arguments of job {job_id} must be plain JSON: {error}") from error
    now = acting()
    run = Run(
        job=job.id,
        title=(title or job.title or job.id)[:300],
        arguments=plain,
        arguments_digest=content_hash(plain),
        hidden=job.hidden,
        lock=job.lock,
        max_attempts=job.retries + 1,
        started_by=now.principal.ref[:300],
        started_by_name=now.principal.name[:300],
        acting=principal_to_json(now.principal),
    )
    with transaction.atomic():
        while True:
            if not job.lock or _insert_unless_waiting(run):
                break
            waiting = _waiting_twin(run)
            if waiting is not None:
                return waiting
        if not job.lock:
            run.save(force_insert=True)
        queue.enqueue(run, job.queue)
    return run.pk


def _insert_unless_waiting(run: Run) -> bool:
    Run.objects.bulk_create([run], ignore_conflicts=True)
    return Run.objects.filter(pk=run.pk).exists()


def _waiting_twin(run: Run) -> UUID | None:
    # Sharing the row's lock keeps a worker from taking the run before the caller's transaction ends,
    # without making callers wait for each other.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM cb_jobs_run WHERE job = %s AND lock = %s AND arguments_digest = %s"
            " AND state = 'queued' FOR SHARE",
            [run.job, run.lock, run.arguments_digest],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def run_now(job_id: str) -> UUID:
    """Start a scheduled job ahead of its time, with no arguments."""
    require(MANAGE)
    with transaction.atomic():
        run_id = start(job_id)
        record("jobs.run.start", str(run_id), {"job": job_id})
    return run_id


def cancel(run_id: UUID) -> Run:
    """Cancel a run: at once while it waits; a running one is asked to stop. Starters may cancel their own."""
    with transaction.atomic():
        run = _locked(run_id)
        require_own(run)
        if run.state == Run.State.QUEUED:
            _cancel_waiting(run)
        elif run.state == Run.State.RUNNING:
            if run.cancel_requested_at is None:
                run.cancel_requested_at = timezone.now()
                run.save(update_fields=["cancel_requested_at"])
        else:
            raise JobError(f"the run is over: it {run.get_state_display().lower()}; nothing was changed")
        record("jobs.run.cancel", str(run_id), {"job": run.job, "title": run.title})
    return run


def _cancel_waiting(run: Run) -> None:
    run.state = Run.State.CANCELLED
    run.cancel_requested_at = run.finished_at = timezone.now()
    run.error = f"Cancelled by {principal().name or principal().ref} before it began."
    if run.procrastinate_job_id and not queue.waiting_entry_taken(run.pk):
        queue.drop([run.procrastinate_job_id])
    run.save(update_fields=["state", "cancel_requested_at", "finished_at", "error"])


def retry(run_id: UUID) -> UUID:
    """Run a failed or cancelled run once more, as whoever started it, and answer the id of the new run."""
    with transaction.atomic():
        run = _locked(run_id)
        require_own(run)
        if run.active:
            raise JobError("the run is not over yet; cancel it first or wait")
        job = registry.find(Job, run.job)
        if job is None:
            raise JobError(f"{off_reason(run.job)} Switch the plugin on and try again.")
        again = Run(
            job=run.job,
            title=run.title,
            arguments=run.arguments,
            arguments_digest=run.arguments_digest,
            hidden=run.hidden,
            lock=job.lock,
            max_attempts=job.retries + 1,
            started_by=run.started_by,
            started_by_name=run.started_by_name,
            acting=run.acting,
        )
        record("jobs.run.retry", str(run_id), {"job": run.job, "title": run.title})
        if job.lock:
            if not _insert_unless_waiting(again):
                twin = _waiting_twin(again)
                if twin is None:
                    raise JobError("an identical run has just begun; look at it first")
                return twin
        else:
            again.save(force_insert=True)
        queue.enqueue(again, job.queue)
    return again.pk


def require_own(run: Run) -> None:
    """Go on only if the caller started the run or may manage all."""
    who = principal()
    if who.signed_in and who.type != "guest" and who.ref == run.started_by:
        return
    decision = authorize(MANAGE)
    if not decision.allowed:
        raise NotAllowedError(MANAGE, decision.reason, signed_in=who.signed_in)


def delete_finished(before: datetime, batch: int = 1000) -> int:
    """Remove runs that ended before a moment, with their logs; answer how many. Called by retention."""
    count = 0
    while True:
        old = list(Run.objects.filter(finished_at__lt=before).values_list("pk", flat=True)[:batch])
        if not old:
            return count
        Run.objects.filter(pk__in=old).delete()
        count += len(old)


def off_reason(job_id: str) -> str:
    """Say why a job cannot run."""
    for plugin, item in registry.every(Job):
        if item.id == job_id:
            return f"The plugin {plugin} that brings the job {job_id} is switched off."
    return f"No installed plugin brings a job called {job_id}."


def _locked(run_id: UUID) -> Run:
    run = Run.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise JobError(f"there is no run {run_id}; it may have been deleted after its time")
    return run


def principal_to_json(who: Principal) -> dict[str, Any]:
    """Write a principal so that a run can act as it later, in another process."""
    value = asdict(who)
    value["scopes"] = None if who.scopes is None else sorted(who.scopes)
    return value


def principal_from_json(value: dict[str, Any]) -> Principal:
    """Read what :func:`principal_to_json` wrote."""
    scopes = value.get("scopes")
    return Principal(
        **{
            **value,
            "ownership_refs": tuple(value.get("ownership_refs", ())),
            "scopes": None if scopes is None else frozenset(scopes),
        }
    )
