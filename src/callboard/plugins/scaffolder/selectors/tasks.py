"""Tasks that the caller may see, with their steps, events, approvals and receipts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from callboard.plugins.scaffolder.models import Approval, Receipt, Task, TaskEvent, TaskStep
from callboard.plugins.scaffolder.selectors.access import CANCEL, READ
from callboard.plugins.scaffolder.types.tasks import UnknownTaskError
from callboard.sdk.auth import principal
from callboard.sdk.permissions import allowed_filter, authorize

ORDERS = {"created_at", "status", "created_by", "template_ref", "last_heartbeat_at"}
_HEAVY = ("spec", "secrets", "acting", "output")


def readable() -> QuerySet[Task]:
    """Answer the tasks that the caller may see."""
    condition = allowed_filter(READ)
    return Task.objects.all() if condition is None else Task.objects.filter(condition)


def find_task(task_id: UUID | str) -> Task:
    """Answer one task. Raises :class:`UnknownTaskError`."""
    try:
        key = UUID(str(task_id))
    except ValueError:
        raise UnknownTaskError(f"No task with id {str(task_id)[:80]!r} found") from None
    task = readable().filter(pk=key).first()
    if task is None:
        raise UnknownTaskError(f"No task with id {task_id!s} found")
    return task


def tasks(
    *,
    created_by: Iterable[str] = (),
    status: Iterable[str] = (),
    template: str = "",
    entity: str = "",
    dry_runs: bool = False,
    order: Iterable[tuple[str, str]] = (),
) -> QuerySet[Task]:
    """Answer the tasks that the caller may see, newest first unless ordered otherwise."""
    found = readable().defer(*_HEAVY)
    people, states = list(created_by), list(status)
    if people:
        found = found.filter(created_by__in=people)
    if states:
        found = found.filter(status__in=states)
    if template:
        found = found.filter(template_ref=template.lower())
    if entity:
        found = found.filter(entity_ref=entity.lower())
    if not dry_runs:
        found = found.filter(dry_run=False)
    keys = [f"{'-' if way == 'desc' else ''}{name}" for way, name in order if name in ORDERS]
    return found.order_by(*(keys or ["-created_at"]), "pk")


def counts(found: QuerySet[Task]) -> dict[str, int]:
    """Answer how many of these tasks are in each state, every state named."""
    numbers = dict(found.order_by().values_list("status").annotate(n=Count("pk")))
    return {state: numbers.get(state, 0) for state in Task.Status.values}


def may_cancel(task: Task) -> bool:
    """Whether the caller may cancel this task."""
    return authorize(CANCEL, str(task.pk)).allowed


def steps(task: Task) -> list[TaskStep]:
    """Answer the steps of a task, in order."""
    return list(TaskStep.objects.filter(task=task))


def events(task_id: UUID, after: int = 0, limit: int = 5000) -> list[TaskEvent]:
    """Answer what a task said after an event."""
    return list(TaskEvent.objects.filter(task_id=task_id, id__gt=after)[:limit])


def is_over(task_id: UUID) -> bool:
    """Whether a task neither waits nor runs."""
    return not Task.objects.filter(pk=task_id, status__in=("open", "processing")).exists()


def event_as_json(event: TaskEvent) -> dict[str, Any]:
    """Answer an event as the API sends it."""
    return {
        "id": event.pk,
        "taskId": str(event.task_id),
        "type": event.type,
        "createdAt": moment(event.created_at),
        "body": event.body,
    }


def moment(at: datetime | None) -> str | None:
    """Write a moment the way JavaScript does."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def task_as_json(task: Task, *, spec: bool = True) -> dict[str, Any]:
    """Answer a task as the API sends it."""
    found: dict[str, Any] = {
        "id": str(task.pk),
        "spec": task.spec if spec else {},
        "status": task.status,
        "createdAt": moment(task.created_at),
        "createdBy": task.created_by,
        "lastHeartbeatAt": moment(task.last_heartbeat_at),
    }
    if task.output:
        found["output"] = task.output
    return found


def open_approvals(task: Task) -> list[Approval]:
    """Answer what a task waits for somebody to agree to."""
    return list(Approval.objects.filter(task=task, decision=""))


def approvals_for_me() -> QuerySet[Approval]:
    """Answer the open questions that the caller may answer."""
    who = principal()
    found = Approval.objects.filter(decision="", expires_at__gt=timezone.now(), task__status="open")
    if not who.administrator:
        found = found.filter(by__overlap=list(who.ownership_refs) or [who.ref])
    return found.exclude(Q(four_eyes=True) & Q(task__created_by=who.ref)).select_related("task").order_by("expires_at")


def receipts(task: Task) -> list[Receipt]:
    """Answer what a task made."""
    return list(Receipt.objects.filter(task=task))
