"""Jobs: what runs, ran and will run; live progress; cancel, retry, run now."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.sdk import jobs
from callboard.sdk.ui import offset_page, render

_LENGTH = 300


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """Show runs, filtered, or what is scheduled. People see their own runs, managers all."""
    manages = jobs.may_manage()
    context: dict[str, Any] = {"manages": manages, "worker_alive": jobs.worker_alive()}
    if request.GET.get("tab") == "schedules" and manages:
        context |= {"tab": "schedules", "schedules": jobs.schedules(), "workers": jobs.workers()}
        return render(request, "portal/jobs.html", context)
    values = {name: _clean(request.GET.get(name, "")) for name in ("state", "job", "person")}
    hidden = request.GET.get("hidden") == "on"
    if values["state"] not in jobs.Run.State.values:
        values["state"] = ""
    found = jobs.runs(job=values["job"], person=values["person"], hidden=hidden)
    counts = jobs.counts(found)
    total = counts[values["state"]] if values["state"] else sum(counts.values())
    if values["state"]:
        found = found.filter(state=values["state"])
    context |= {
        "tab": "runs",
        "page": offset_page(request, found, total=total),
        "values": values,
        "hidden": hidden,
        "narrowed": hidden or any(values.values()),
        "states": [(value, label, counts[value]) for value, label in jobs.Run.State.choices],
        "all_count": sum(counts.values()),
        "jobs": jobs.jobs_seen(),
    }
    return render(request, "portal/jobs.html", context)


@require_safe
def job_detail(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show one run: state, progress, log, arguments, error."""
    run = _run(run_id)
    lines = jobs.lines(run_id)
    context = {
        "run": run,
        "lines": lines,
        "after": lines[-1].n if lines else 0,
        "earlier": lines[0].n - 1 if lines else 0,
        "waits_for": jobs.waits_for(run),
        "worker_alive": not run.active or jobs.worker_alive(),
        "arguments": json.dumps(run.arguments, indent=2, ensure_ascii=False) if run.arguments else "",
    }
    return render(request, "portal/job.html", context)


@require_safe
def job_live(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Answer what is new of a run: log lines after the last one shown, and the state."""
    run = _run(run_id)
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    lines = jobs.lines(run_id, after=after)
    context = {
        "run": run,
        "lines": lines,
        "after": lines[-1].n if lines else after,
        "waits_for": jobs.waits_for(run),
        "worker_alive": run.state != run.State.QUEUED or jobs.worker_alive(),
        "live": True,
    }
    return render(request, "portal/_job_live.html", context)


@require_POST
def job_action(request: HttpRequest, run_id: UUID, action: str) -> HttpResponse:
    """Cancel a run or run it again."""
    try:
        if action == "cancel":
            run = jobs.cancel(run_id)
            text = _("Cancelled.") if run.state == run.State.CANCELLED else _("It was asked to stop.")
            messages.success(request, text)
        elif action == "retry":
            run_id = jobs.retry(run_id)
            messages.success(request, _("It was started again."))
        else:
            raise Http404(_("Runs can be cancelled and retried, nothing else."))
    except jobs.JobError as error:
        messages.error(request, str(error), extra_tags="danger")
        if jobs.run(run_id) is None:
            return redirect("jobs")
    return redirect("job", run_id=run_id)


@require_POST
def job_run(request: HttpRequest) -> HttpResponse:
    """Start a scheduled job ahead of its time."""
    try:
        run_id = jobs.run_now(_clean(request.POST.get("job", "")))
    except jobs.JobError as error:
        messages.error(request, str(error), extra_tags="danger")
        return redirect("jobs")
    messages.success(request, _("Started."))
    return redirect("job", run_id=run_id)


def _run(run_id: UUID) -> jobs.Run:
    run = jobs.run(run_id)
    if run is None:
        raise Http404(_("There is no such run; finished ones are deleted after their time."))
    return run


def _clean(text: str) -> str:
    # PostgreSQL knows no NUL in text.
    return text.replace("\0", "").strip()[:_LENGTH]
