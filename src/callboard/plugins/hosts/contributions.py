"""Everything the room of source hosts adds to the portal."""

from __future__ import annotations

from callboard.plugins.hosts import jobs, views
from callboard.plugins.hosts.api import api
from callboard.sdk.contributions import (
    ApiRouter,
    CliCommand,
    Command,
    Contribution,
    EventType,
    Job,
    NavItem,
    Page,
    Permission,
)

_MANAGE = "admin.hosts.manage"

contributions: tuple[Contribution, ...] = (
    Permission(
        id=_MANAGE,
        title="Manage connections to source hosts",
        action="update",
        description="Make, change, test and remove connections; their secrets can be replaced and never read.",
    ),
    Page(
        id="hosts.hosts",
        title="Source hosts",
        path="admin/hosts",
        view=views.host_list,
        name="hosts",
        permission=_MANAGE,
    ),
    Page(
        id="hosts.new",
        title="Connect a source host",
        path="admin/hosts/-/new/<slug:product>",
        view=views.host_new,
        name="host-new",
        permission=_MANAGE,
    ),
    Page(
        id="hosts.host",
        title="Source host",
        path="admin/hosts/<str:name>",
        view=views.host_detail,
        name="host",
        permission=_MANAGE,
    ),
    Page(
        id="hosts.action",
        title="Test or remove a source host",
        path="admin/hosts/<str:name>/<slug:action>",
        view=views.host_action,
        name="host-action",
        permission=_MANAGE,
    ),
    NavItem(
        id="hosts.nav",
        title="Source hosts",
        page="hosts",
        icon="plug-connected",
        section="admin",
        permission=_MANAGE,
        order=14,
    ),
    Command(
        id="hosts.open",
        title="Source hosts",
        page="hosts",
        icon="plug-connected",
        keywords=("connections", "github", "gitlab", "bitbucket", "azure", "gitea", "gerrit", "token", "integration"),
        permission=_MANAGE,
    ),
    ApiRouter(
        id="hosts.api", title="Source hosts", prefix="hosts", router=api, description="Connections to source hosts."
    ),
    CliCommand(id="hosts.cli", title="Source hosts", name="host", app="callboard.plugins.hosts.cli:app"),
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
