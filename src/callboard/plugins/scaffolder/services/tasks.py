"""Start tasks, cancel and retry them, and settle steps of which nobody knows whether they happened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from callboard.plugins.catalog.public import entity_view
from callboard.plugins.scaffolder.models import Approval, Task, TaskEvent, TaskStep
from callboard.plugins.scaffolder.selectors import tasks as reading
from callboard.plugins.scaffolder.selectors.access import CANCEL, CREATE, READ
from callboard.plugins.scaffolder.selectors.templates import Found, find_template, visible_steps
from callboard.plugins.scaffolder.services.keeping import forget_workspace, principal_to_json, sealed, settings
from callboard.plugins.scaffolder.services.queue import dispatch
from callboard.plugins.scaffolder.services.running import end_task
from callboard.plugins.scaffolder.types.schema import Mistake, SchemaError, check
from callboard.plugins.scaffolder.types.tasks import ScaffolderError, StateError, WrongAnswersError
from callboard.plugins.scaffolder.types.template import API_VERSION
from callboard.sdk.audit import record
from callboard.sdk.auth import SYSTEM, act_as, acting, principal
from callboard.sdk.events import publish
from callboard.sdk.jobs import JobError
from callboard.sdk.jobs import cancel as cancel_run
from callboard.sdk.jobs import run as find_run
from callboard.sdk.permissions import NotAllowedError, require

MAX_VALUES = 2_000_000


def check_answers(found: Found, values: Mapping[str, Any], secrets: Mapping[str, Any]) -> None:
    """Go on only if the answers fit every page, and the secrets what the template asks for."""
    mistakes: list[Mistake] = []
    pages: list[int] = []
    try:
        for number, page in enumerate(found.pages):
            wrong = check(page.schema, dict(values))
            mistakes += wrong
            pages += [number] * len(wrong)
        if found.template.secrets_schema:
            wrong = check(found.template.secrets_schema, dict(secrets))
            # The value of a secret is shown nowhere.
            mistakes += [Mistake(("secrets", *m.path), m.message, m.keyword) for m in wrong]
            pages += [max(0, len(found.pages) - 1)] * len(wrong)
    except SchemaError as error:
        raise ScaffolderError(
            f"The questions of the template cannot be used: {error}", "Correct its schema."
        ) from error
    if mistakes:
        raise WrongAnswersError(mistakes, pages)


def create_task(
    template_ref: str,
    values: Mapping[str, Any],
    secrets: Mapping[str, Any] | None = None,
    *,
    dry_run: bool = False,
    entity_ref: str = "",
) -> Task:
    """Start a task from a template and answer it; a worker takes it up within moments."""
    require(CREATE)
    found = find_template(template_ref)
    secrets = dict(secrets or {})
    check_answers(found, values, secrets)
    return start_task(found, spec_of(found, values, entity_ref), secrets, dry_run=dry_run, entity_ref=entity_ref)


def spec_of(found: Found, values: Mapping[str, Any], entity_ref: str = "") -> dict[str, Any]:
    """Answer what a task runs: the template as it is now, the answers, who asked."""
    who = principal()
    person = entity_view(who.ref) if who.type == "user" else None
    spec: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "templateInfo": {
            "entityRef": found.ref,
            "baseUrl": found.view.location,
            "entity": {"metadata": found.view.metadata},
            "owner": found.view.owner_ref,
            "version": found.version,
        },
        "steps": [step.as_dict() for step in visible_steps(found.template)],
        "parameters": dict(values),
        "output": found.template.output,
        "user": {"ref": who.ref, **({"entity": person.data} if person else {})},
    }
    if entity_ref:
        target = entity_view(entity_ref)
        if target is None:
            raise ScaffolderError(f"There is no entity {entity_ref}.", "Choose one from the catalog.")
        spec["entity"] = target.data
    return spec


def start_task(
    found: Found, spec: dict[str, Any], secrets: dict[str, Any], *, dry_run: bool = False, entity_ref: str = ""
) -> Task:
    """Write a task down and let it have its turn. The caller has checked answers and permission."""
    who = principal()
    key = uuid4()
    with transaction.atomic():
        task = Task.objects.create(
            pk=key,
            template_ref=found.ref,
            title=found.view.label,
            spec=spec,
            secrets=sealed(key, {"secrets": secrets} if secrets else {}),
            needs_secrets=bool(secrets),
            dry_run=dry_run,
            created_by=who.ref,
            created_by_name=who.name,
            acting=principal_to_json(who),
            entity_ref=entity_ref.lower(),
            template_version=found.version,
        )
        TaskStep.objects.bulk_create(
            TaskStep(task=task, n=n, step_id=step["id"], name=step["name"], action=step["action"])
            for n, step in enumerate(spec["steps"])
        )
        record("scaffolder.task.create", str(key), {"template": found.ref, "dryRun": dry_run, "entity": entity_ref})
        publish("scaffolder.task-created", {"task": str(key), "template": found.ref, "createdBy": who.ref})
        dispatch()
    task.refresh_from_db()
    return task


def cancel_task(task_id: UUID | str) -> Task:
    """Cancel a task: at once while it waits; a running one is asked to stop."""
    task = reading.find_task(task_id)
    require(CANCEL, str(task.pk))
    with transaction.atomic():
        task = Task.objects.select_for_update().get(pk=task.pk)
        if not task.active:
            raise StateError(f"The task is over: it {task.get_status_display().lower()}.", "Nothing was changed.")
        record("scaffolder.task.cancel", str(task.pk), {"template": task.template_ref})
        if task.run_id is not None:
            # The run belongs to whoever started the task, and this caller may cancel the task.
            with contextlib.suppress(JobError), act_as(SYSTEM, acting().door):
                cancel_run(task.run_id)
        if task.status == Task.Status.OPEN:
            TaskEvent.objects.create(task=task, type="cancelled", body={"message": "Cancelled", "status": "cancelled"})
            Approval.objects.filter(task=task, decision="").update(decision="cancelled", decided_at=timezone.now())
            end_task(task, Task.Status.CANCELLED, {}, "Cancelled before it went on.", "")
    task.refresh_from_db()
    return task


def retry_task(task_id: UUID | str, secrets: Mapping[str, Any] | None = None) -> Task:
    """Go on with a failed or cancelled task from the step that failed, as the caller."""
    require(READ)
    require(CREATE)
    task = reading.find_task(task_id)
    require(CANCEL, str(task.pk))  # whoever may stop it may go on with it, and nobody else
    with transaction.atomic():
        task = Task.objects.select_for_update().get(pk=task.pk)
        if task.status not in {Task.Status.FAILED, Task.Status.CANCELLED}:
            raise StateError(f"Only failed and cancelled tasks can be retried; this one is {task.status}.")
        rows = list(TaskStep.objects.filter(task=task))
        doubtful = next((row for row in rows if row.in_doubt), None)
        if doubtful is not None:
            raise StateError(
                f"The step {doubtful.name} was interrupted, and nobody knows whether it happened.",
                "Say first whether it is to run again or to count as done.",
            )
        if task.needs_secrets and not secrets:
            raise StateError(
                "The task needs its secrets again: they were wiped when it ended.", "Send them with the retry."
            )
        for row in rows:
            if row.status in {"failed", "cancelled", "processing"} or (row.status == "skipped" and row.error):
                row.status, row.error, row.started_at, row.finished_at = "open", "", None, None
                row.save(update_fields=["status", "error", "started_at", "finished_at"])
        Approval.objects.filter(task=task).exclude(decision="approved").delete()
        who = principal()
        task.status, task.waits, task.error, task.remedy, task.run_id = Task.Status.OPEN, "turn", "", "", None
        task.finished_at = None
        task.acting = principal_to_json(who)
        task.secrets = sealed(task.pk, {"secrets": dict(secrets)} if secrets else {})
        task.save()
        TaskEvent.objects.create(task=task, type="log", body={"message": f"{who.name or who.ref} tries it again."})
        record("scaffolder.task.retry", str(task.pk), {"template": task.template_ref})
        dispatch()
    task.refresh_from_db()
    return task


def settle_doubt(task_id: UUID | str, n: int, *, happened: bool, output: Mapping[str, Any] | None = None) -> Task:
    """Say of an interrupted step whether it happened: then it counts as done, otherwise it runs again on retry."""
    require(CREATE)
    task = reading.find_task(task_id)
    with transaction.atomic():
        row = TaskStep.objects.select_for_update().filter(task=task, n=n, in_doubt=True).first()
        if row is None:
            raise StateError("That step is not in doubt.", "Nothing was changed.")
        row.in_doubt = False
        row.status = "completed" if happened else "open"
        row.output = dict(output or {}) if happened else {}
        row.error = ""
        row.save(update_fields=["in_doubt", "status", "output", "error"])
        word = "counts as done" if happened else "is to run again"
        message = f"{principal().name or principal().ref} says: {row.name} {word}."
        TaskEvent.objects.create(task=task, type="log", body={"message": message, "stepId": row.step_id})
        record("scaffolder.step.settle", str(task.pk), {"step": row.step_id, "happened": happened})
    return task


def decide_approval(approval_id: int, *, agree: bool, reason: str = "") -> Task:
    """Agree to a step, or refuse it; the task goes on at once."""
    require(READ)
    who = principal()
    with transaction.atomic():
        asked = Approval.objects.select_for_update().filter(pk=approval_id).select_related("task").first()
        if asked is None or asked.decision:
            raise StateError("That question is answered already.", "Nothing was changed.")
        if asked.expires_at < timezone.now():
            raise StateError("The time to answer is over.", "Retry the task to ask again.")
        if not who.administrator and not set(asked.by) & {who.ref, *who.ownership_refs}:
            raise NotAllowedError(
                "scaffolder.task.approve",
                f"this is to be answered by {', '.join(asked.by) or 'nobody'}",
                signed_in=who.signed_in,
            )
        if asked.four_eyes and who.ref == asked.task.created_by:
            raise NotAllowedError(
                "scaffolder.task.approve",
                "whoever started the task cannot agree to it as well",
                signed_in=who.signed_in,
            )
        if asked.needs_reason and not reason.strip():
            raise StateError("A reason is needed.", "Say in a few words why.")
        asked.decision = "approved" if agree else "refused"
        asked.decided_by, asked.decided_by_name, asked.decided_at = who.ref, who.name, timezone.now()
        asked.reason = reason.strip()[:2000]
        asked.save()
        word = "agreed to" if agree else "refused"
        message = f"{who.name or who.ref} {word} {asked.step_name}" + (f": {asked.reason}" if asked.reason else "")
        TaskEvent.objects.create(task=asked.task, type="log", body={"message": message})
        details = {"step": asked.step_name, "agree": agree, "reason": asked.reason}
        record("scaffolder.approval.decide", str(asked.task_id), details)
        Task.objects.filter(pk=asked.task_id, status=Task.Status.OPEN, waits="approval").update(waits="turn")
        dispatch()
    task: Task = Task.objects.get(pk=asked.task_id)
    return task


def tend() -> dict[str, int]:
    """Care for what nobody waits for: questions whose time is over, tasks whose run is gone, old tasks."""
    now = timezone.now()
    expired = 0
    for asked in Approval.objects.filter(decision="", expires_at__lt=now).select_related("task"):
        with transaction.atomic():
            asked.decision, asked.decided_at = "expired", now
            asked.save()
            Task.objects.filter(pk=asked.task_id, status=Task.Status.OPEN, waits="approval").update(waits="turn")
            expired += 1
    lost = 0
    for task in Task.objects.filter(status__in=("processing", "open"), run_id__isnull=False):
        run = find_run(task.run_id) if task.run_id else None
        if run is None or not run.active:
            error = run.error if run is not None and run.error else "Its run is gone."
            end_task(task, Task.Status.FAILED, {}, error, "Retry it.")
            TaskStep.objects.filter(task=task, status="processing").update(status="failed", error=error, in_doubt=True)
            lost += 1
    dispatch()
    old = list(
        Task.objects.filter(finished_at__lt=now - timedelta(days=settings().keep_days)).values_list("pk", flat=True)[
            :1000
        ]
    )
    for task in Task.objects.filter(pk__in=old):
        forget_workspace(task)
        task.delete()
    return {"expired": expired, "lost": lost, "deleted": len(old)}


def mistakes_as_json(mistakes: Iterable[Mistake]) -> list[dict[str, Any]]:
    """Answer mistakes in the shape that clients of the API know."""
    return [
        {
            "path": list(m.path[:-1] if m.keyword == "required" else m.path),
            "property": "instance" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in m.path),
            "message": m.message,
            "name": m.keyword,
            "argument": m.path[-1] if m.keyword == "required" and m.path else None,
            "instance": m.value,
            "stack": f"instance.{'.'.join(map(str, m.path))} {m.message}",
        }
        for m in mistakes
    ]


__all__ = ["cancel_task", "create_task", "decide_approval", "retry_task", "settle_doubt", "tend"]
