"""Tasks: the list, one task with its steps and log as it runs, and what can be done with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.public import entity_url, named
from callboard.plugins.scaffolder.models import Task
from callboard.plugins.scaffolder.selectors import tasks as reading
from callboard.plugins.scaffolder.services import tasks as changing
from callboard.plugins.scaffolder.types.tasks import ScaffolderError, UnknownTaskError
from callboard.sdk.auth import principal
from callboard.sdk.jobs import worker_alive
from callboard.sdk.ui import offset_page, render, toast

LINES = 2000


@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """Show tasks: one's own or all, by state; and what waits for the caller to agree."""
    state = request.GET.get("status", "")
    whose = request.GET.get("whose", "mine")
    template = request.GET.get("template", "").replace("\0", "")[:300]
    found = reading.tasks(created_by=[] if whose == "all" else [principal().ref], template=template, dry_runs=True)
    counts = reading.counts(found)
    if state in counts:
        found = found.filter(status=state)
    page = offset_page(request, found, total=counts.get(state) if state in counts else sum(counts.values()))
    context = {
        "page": page,
        "whose": whose,
        "state": state,
        "states": [(value, label, counts[value]) for value, label in Task.Status.choices if counts[value]],
        "all_count": sum(counts.values()),
        "approvals": list(reading.approvals_for_me()[:50]),
        "template": template,
    }
    return render(request, "scaffolder/tasks.html", context)


def _task(task_id: UUID) -> Task:
    try:
        return reading.find_task(task_id)
    except UnknownTaskError as error:
        raise Http404(_("There is no such task, or it is not for you to see.")) from error


@require_safe
def task_detail(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Show a task: steps with times, log, output, receipts; while it runs, the page keeps itself up to date."""
    task = _task(task_id)
    events = reading.events(task.pk, limit=LINES)
    context = {**_state(task), "lines": _lines(events), "after": events[-1].pk if events else 0, "live": False}
    return render(request, "scaffolder/task.html", context)


@require_safe
def task_live(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """Answer what is new of a task: log lines after the last one shown, and its state."""
    task = _task(task_id)
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    events = reading.events(task.pk, after, LINES)
    context = {**_state(task), "lines": _lines(events), "after": events[-1].pk if events else after, "live": True}
    return render(request, "scaffolder/_task_live.html", context)


def _state(task: Task) -> dict[str, Any]:
    steps = reading.steps(task)
    who = principal()
    approvals = [
        (
            asked,
            (who.administrator or bool(set(asked.by) & {who.ref, *who.ownership_refs}))
            and not (asked.four_eyes and who.ref == task.created_by),
            list(named(asked.by).values()),
        )
        for asked in reading.open_approvals(task)
    ]
    links = []
    for link in task.output.get("links") or []:
        address = _address(link) if isinstance(link, dict) else ""
        if address:
            links.append((str(link.get("title") or address), address, str(link.get("icon") or "")))
    texts = [t for t in task.output.get("text") or [] if isinstance(t, dict)]
    done = sum(step.status in {"completed", "skipped"} for step in steps)
    template = named([task.template_ref]).get(task.template_ref)
    return {
        "task": task,
        "steps": steps,
        "done": done,
        "percent": done * 100 // len(steps) if steps else 100,
        "approvals": approvals,
        "links": links,
        "texts": texts,
        "receipts": reading.receipts(task),
        "template": template,
        "doubts": [step for step in steps if step.in_doubt],
        "may_cancel": task.active and reading.may_cancel(task),
        "again": _again(task),
        "worker_alive": not task.active or task.waits == "approval" or worker_alive(),
        "parameters": orjson.dumps(task.spec.get("parameters") or {}, option=orjson.OPT_INDENT_2).decode(),
    }


def _address(link: dict[str, Any]) -> str:
    if link.get("entityRef"):
        try:
            return entity_url(str(EntityRef.parse(str(link["entityRef"]), "component")))
        except RefError:
            return ""
    url = str(link.get("url") or "")
    # What a template hands out is no reason to run a script.
    return url if url.startswith(("https://", "http://", "/")) else ""


def _again(task: Task) -> str:
    """Answer the address of the form, filled in with the answers of this task."""
    ref = EntityRef.parse(task.template_ref)
    values = orjson.dumps(task.spec.get("parameters") or {}).decode()
    return f"{reverse('create-template', args=[ref.namespace, ref.name])}?{urlencode({'formData': values, 'page': 0})}"


def _lines(events: list[Any]) -> list[tuple[Any, str, str, str]]:
    rows = []
    for event in events:
        message = str(event.body.get("message", ""))
        level = next((word for word in ("error", "warning") if message.startswith(f"{word}: ")), "info")
        rows.append((event.created_at, str(event.body.get("stepId", "")), level, message.removeprefix(f"{level}: ")))
    return rows


@require_POST
def task_action(request: HttpRequest, task_id: UUID, action: str) -> HttpResponse:
    """Cancel, retry, agree, refuse, settle a step in doubt."""
    secrets = {key[2:]: value[:100_000] for key, value in request.POST.items() if key.startswith("s/") and value}
    try:
        if action == "cancel":
            changing.cancel_task(task_id)
            toast(request, _("It is being cancelled."))
        elif action == "retry":
            changing.retry_task(task_id, secrets or None)
            toast(request, _("It goes on from the step that failed."))
        elif action in {"agree", "refuse"}:
            number = request.POST.get("approval", "")
            if not number.isascii() or not number.isdigit() or len(number) > 18:
                raise Http404(_("There is no such question."))
            changing.decide_approval(int(number), agree=action == "agree", reason=request.POST.get("reason", ""))
            toast(request, _("Thank you; the task goes on.") if action == "agree" else _("Thank you; the task ends."))
        elif action in {"happened", "repeat"}:
            number = request.POST.get("step", "")
            step = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else -1
            changing.settle_doubt(task_id, step, happened=action == "happened")
            toast(request, _("Noted. Retry the task to go on."))
        else:
            raise Http404(_("Nothing of the kind can be done with a task."))
    except UnknownTaskError as error:
        raise Http404(_("There is no such task, or it is not for you to see.")) from error
    except ScaffolderError as error:
        toast(request, f"{error.message} {error.remedy}".strip(), "danger")
    return HttpResponseRedirect(reverse("create-task", args=[task_id]))
