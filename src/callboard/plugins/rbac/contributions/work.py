"""What happens in the background, what is announced, and how healthy it is."""

from callboard.plugins.rbac import jobs
from callboard.plugins.rbac.selectors.health import policy_works, streams_work
from callboard.sdk.contributions import EventType, HealthCheck, Job

_TEXT = {"type": "string"}
_REQUEST = {
    "type": "object",
    "properties": {"id": _TEXT, "who": _TEXT, "role": _TEXT, "approved": {"type": "boolean"}},
    "required": ["id", "who", "role"],
}

contributions = (
    EventType(
        id="rbac.policy-published",
        title="A policy was published",
        description="Another version decides from now on; an empty id says that none does.",
        schema={
            "type": "object",
            "properties": {"id": _TEXT, "version": {"type": "integer"}, "name": _TEXT, "by": _TEXT},
            "required": ["id", "version", "by"],
        },
    ),
    EventType(id="rbac.access-requested", title="Somebody asked for access", schema=_REQUEST),
    EventType(id="rbac.access-decided", title="A request for access was decided", schema=_REQUEST),
    Job(
        id="rbac.keep-time",
        title="Publish what is scheduled, end access whose time is over",
        run=jobs.keep_time,
        permission="rbac.policy.publish",
        schedule="* * * * *",
        lock="rbac.keep-time",
        hidden=True,
    ),
    Job(
        id="rbac.stream-audit",
        title="Send the audit record to its streams",
        run=jobs.stream_audit,
        permission="admin.audit.read",
        schedule="* * * * *",
        lock="rbac.stream-audit",
        hidden=True,
    ),
    HealthCheck(id="rbac.policy", title="Policy in force", check=policy_works),
    HealthCheck(id="rbac.streams", title="Audit streams", check=streams_work),
)
