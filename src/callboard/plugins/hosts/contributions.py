"""Everything the room of source hosts adds to the portal."""

from __future__ import annotations

from callboard.plugins.hosts import jobs
from callboard.sdk.contributions import Contribution, EventType, Job, Permission

contributions: tuple[Contribution, ...] = (
    Permission(
        id="admin.hosts.manage",
        title="Manage connections to source hosts",
        action="update",
        description="Make, change, test and remove connections; their secrets can be replaced and never read.",
    ),
    EventType(
        id="hosts.connection-changed",
        title="Connection changed",
        description="A connection to a source host was created, changed or deleted.",
        schema={
            "type": "object",
            "properties": {"name": {"type": "string"}, "change": {"enum": ["created", "changed", "deleted"]}},
            "required": ["name", "change"],
        },
    ),
    Job(
        id="hosts.forget",
        title="Drop answers of source hosts that nobody asked for again",
        run=jobs.forget,
        schedule="41 3 * * *",
        hidden=True,
    ),
)

__all__ = ["contributions"]
