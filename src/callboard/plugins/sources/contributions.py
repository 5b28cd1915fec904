"""Everything the room of sources adds to the portal."""

from __future__ import annotations

from callboard.plugins.sources import jobs
from callboard.plugins.sources.api import api, events
from callboard.plugins.sources.views import forms, lists
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

_MANAGE, _READ = "admin.sources.manage", "sources.source.read"

permissions: tuple[Contribution, ...] = (
    Permission(id=_READ, title="See sources and how they are doing", action="read"),
    Permission(
        id=_MANAGE,
        title="Manage sources",
        action="update",
        description="Connect, change, run, pause and delete sources; their secrets can be replaced and never read.",
    ),
)

pages: tuple[Contribution, ...] = (
    Page(
        id="sources.sources", title="Sources", path="sources", view=lists.source_list, name="sources", permission=_READ
    ),
    Page(
        id="sources.gallery",
        title="Connect a source",
        path="sources/-/new",
        view=lists.source_gallery,
        name="source-gallery",
        permission=_MANAGE,
    ),
    Page(
        id="sources.new",
        title="Connect a source",
        path="sources/-/new/<slug:type_>",
        view=forms.source_new,
        name="source-new",
        permission=_MANAGE,
    ),
    Page(
        id="sources.source",
        title="Source",
        path="sources/<str:name>",
        view=lists.source_detail,
        name="source",
        permission=_READ,
    ),
    Page(
        id="sources.edit",
        title="Change a source",
        path="sources/<str:name>/edit",
        view=forms.source_edit,
        name="source-edit",
        permission=_MANAGE,
    ),
    Page(
        id="sources.action",
        title="Run, pause or delete a source",
        path="sources/<str:name>/-/<slug:action>",
        view=lists.source_action,
        name="source-action",
        permission=_MANAGE,
    ),
    NavItem(id="sources.nav", title="Sources", page="sources", icon="database-import", permission=_READ, order=78),
    Command(
        id="sources.open",
        title="Sources",
        page="sources",
        icon="database-import",
        keywords=("discovery", "providers", "github", "gitlab", "ldap", "sync", "import"),
        permission=_READ,
    ),
    Command(
        id="sources.connect",
        title="Connect a source",
        page="source-gallery",
        icon="plus",
        keywords=("discovery", "github", "gitlab", "bitbucket", "azure", "ldap", "kubernetes", "bucket", "people"),
        permission=_MANAGE,
        create=True,
        order=45,
    ),
)

doors: tuple[Contribution, ...] = (
    ApiRouter(id="sources.api", title="Sources", prefix="sources", router=api, description="Sources and their runs."),
    ApiRouter(
        id="sources.events",
        title="Events",
        prefix="events",
        router=events,
        description="Webhooks of source hosts, by connection or product.",
    ),
    CliCommand(id="sources.cli", title="Sources", name="source", app="callboard.plugins.sources.cli:app"),
)

work: tuple[Contribution, ...] = (
    EventType(
        id="sources.source-changed",
        title="Source changed",
        description="A source was created, changed, paused, resumed or deleted.",
        schema={
            "type": "object",
            "properties": {"name": {"type": "string"}, "change": {"type": "string"}},
            "required": ["name", "change"],
        },
    ),
    EventType(
        id="sources.run-finished",
        title="Source looked through",
        description="A run of a source is over; the outcome counts entities.",
        schema={
            "type": "object",
            "properties": {
                "source": {"type": "string"},
                "run": {"type": "string"},
                "state": {"enum": ["succeeded", "partial", "failed"]},
                "trigger": {"type": "string"},
                "outcome": {"type": "object"},
            },
            "required": ["source", "run", "state"],
        },
    ),
    Job(id="sources.run", title="Look through a source", run=jobs.run, timeout=6 * 3600),
    Job(
        id="sources.due",
        title="Start sources that are due",
        run=jobs.due,
        schedule="* * * * *",
        lock="sources.due",
        hidden=True,
    ),
    Job(id="sources.forget", title="Drop old runs of sources", run=jobs.forget, schedule="7 4 * * *", hidden=True),
)

contributions: tuple[Contribution, ...] = (*permissions, *pages, *doors, *work)

__all__ = ["contributions"]
