"""Jobs and webhooks."""

from callboard.plugins.portal.views import jobs, webhooks
from callboard.sdk.contributions import Command, EventType, HealthCheck, HealthResult, Job, NavItem, Page
from callboard.sdk.jobs import forget_old, worker_alive

_WEBHOOKS = "admin.webhooks.manage"


def _worker() -> HealthResult:
    if worker_alive():
        return HealthResult(status="ok", message="A worker is alive.")
    return HealthResult(
        status="error",
        message="No worker is alive; jobs and events wait.",
        remedy="Start one: `callboard up` does so, or `callboard worker` on its own.",
    )


contributions = (
    # No permission: people see their own runs here, and managers see all.
    Page(id="portal.jobs", title="Jobs", path="admin/jobs", view=jobs.job_list, name="jobs"),
    Page(
        id="portal.job-run",
        title="Run a job now",
        path="admin/jobs/run",
        view=jobs.job_run,
        name="job-run",
        permission="admin.jobs.manage",
    ),
    Page(id="portal.job", title="Run", path="admin/jobs/<uuid:run_id>", view=jobs.job_detail, name="job"),
    Page(
        id="portal.job-live",
        title="Progress of a run",
        path="admin/jobs/<uuid:run_id>/live",
        view=jobs.job_live,
        name="job-live",
    ),
    Page(
        id="portal.job-action",
        title="Change a run",
        path="admin/jobs/<uuid:run_id>/<slug:action>",
        view=jobs.job_action,
        name="job-action",
    ),
    Page(
        id="portal.webhooks",
        title="Webhooks",
        path="admin/webhooks",
        view=webhooks.webhook_list,
        name="webhooks",
        permission=_WEBHOOKS,
    ),
    Page(
        id="portal.webhook-new",
        title="New webhook",
        path="admin/webhooks/new",
        view=webhooks.webhook_new,
        name="webhook-new",
        permission=_WEBHOOKS,
    ),
    Page(
        id="portal.dead-letters-replay",
        title="Hand dead letters over again",
        path="admin/webhooks/dead-letters",
        view=webhooks.dead_letters_replay,
        name="dead-letters-replay",
        permission=_WEBHOOKS,
    ),
    Page(
        id="portal.webhook",
        title="Webhook",
        path="admin/webhooks/<uuid:webhook_id>",
        view=webhooks.webhook_detail,
        name="webhook",
        permission=_WEBHOOKS,
    ),
    Page(
        id="portal.webhook-action",
        title="Change a webhook",
        path="admin/webhooks/<uuid:webhook_id>/<slug:action>",
        view=webhooks.webhook_action,
        name="webhook-action",
        permission=_WEBHOOKS,
    ),
    NavItem(
        id="portal.nav-jobs",
        title="Jobs",
        page="jobs",
        icon="list-check",
        section="admin",
        permission="admin.jobs.manage",
        order=20,
    ),
    NavItem(
        id="portal.nav-webhooks",
        title="Webhooks",
        page="webhooks",
        icon="webhook",
        section="admin",
        permission=_WEBHOOKS,
        order=30,
    ),
    Command(
        id="portal.open-jobs",
        title="Jobs",
        page="jobs",
        icon="list-check",
        keywords=("runs", "schedules", "workers", "progress", "log"),
    ),
    Command(
        id="portal.open-webhooks",
        title="Webhooks",
        page="webhooks",
        icon="webhook",
        keywords=("events", "dead letters", "admin"),
        permission=_WEBHOOKS,
    ),
    Job(
        id="portal.forget-old",
        title="Delete old runs of jobs and old events",
        run=forget_old,
        schedule="27 3 * * *",
        lock="portal.forget-old",
        hidden=True,
    ),
    HealthCheck(id="portal.worker", title="Worker", check=_worker),
    EventType(
        id="portal.ping",
        title="Test",
        description="Sent by hand to one webhook, to see whether it works.",
        schema={"type": "object", "properties": {"webhook": {"type": "string"}}, "required": ["webhook"]},
    ),
)
