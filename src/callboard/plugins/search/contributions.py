"""Everything the search room adds to the portal."""

from __future__ import annotations

from callboard.plugins.search import jobs, mcp
from callboard.plugins.search.api import api
from callboard.plugins.search.selectors import INSIGHTS, kept_searches
from callboard.plugins.search.services import counting
from callboard.plugins.search.services.index import MANAGE
from callboard.plugins.search.views import insights, page, palette
from callboard.sdk.contributions import (
    ApiRouter,
    CliCommand,
    Command,
    Contribution,
    HealthCheck,
    HealthResult,
    Job,
    McpTool,
    NavItem,
    Page,
    PaletteSource,
    Permission,
    Service,
    Shredder,
)
from callboard.sdk.search import index_status


def _health() -> HealthResult:
    found = index_status()
    failed = [item for item in found.types if item.error]
    if failed:
        return HealthResult(
            status="warning",
            message=f"documents of type {failed[0].type} are stale: {failed[0].error[:300]}",
            remedy="The jobs page shows the runs of “Renew the search index”; what was found before is still found.",
        )
    total = sum(item.documents for item in found.types)
    meaning = (
        f"meaning is searched with {found.semantic.model}"
        if found.semantic.on
        # Words are found all the same, so nothing has to be mended.
        else f"meaning is not searched: {found.semantic.reason}"
    )
    return HealthResult(status="ok", message=f"{total} documents; {meaning}")


contributions: tuple[Contribution, ...] = (
    Permission(id=MANAGE, title="Renew the search index", action="update"),
    Permission(id=INSIGHTS, title="See what people look for", action="read"),
    Page(id="search.page", title="Search", path="search", view=page.search_page, name="search"),
    Page(
        id="search.insights",
        title="What people look for",
        path="search/insights",
        view=insights.insights,
        name="search-insights",
        permission=INSIGHTS,
    ),
    Page(id="search.choice", title="Choice", path="search/-/choice", view=page.note_choice, name="search-choice"),
    Page(id="search.keep", title="Keep", path="search/-/keep", view=page.keep, name="search-keep"),
    NavItem(id="search.nav", title="Search", page="search", icon="search", order=15),
    Command(
        id="search.go",
        title="Search",
        page="search",
        icon="search",
        keys="g f",
        keywords=("find", "look for"),
        order=15,
    ),
    Command(
        id="search.go-insights",
        title="What people look for",
        page="search-insights",
        icon="chart-bar",
        keywords=("search", "analytics", "zero results"),
        permission=INSIGHTS,
        order=56,
    ),
    PaletteSource(id="search.palette", title="Search", find=palette.find_anything, order=5),
    ApiRouter(id="search.api", title="Search", prefix="search", router=api, description="Find anything."),
    CliCommand(id="search.cli", title="Search", name="search", app="callboard.plugins.search.cli:app"),
    McpTool(
        id="search.query",
        title="Search the portal",
        description="Find services, APIs, docs, templates, teams and people by words or by a question.",
        input_schema=mcp.SCHEMA,
        call=mcp.query,
    ),
    Job(id="search.rebuild", title="Renew the search index", run=jobs.rebuild, lock="search.rebuild", retries=1),
    Job(
        id="search.tend",
        title="Look after the search index",
        run=jobs.tend,
        schedule="*/5 * * * *",
        lock="search.rebuild",
        hidden=True,
    ),
    Job(
        id="search.learn",
        title="Let what people choose come earlier",
        run=jobs.learn,
        schedule="41 2 * * *",
        lock="search.learn",
        hidden=True,
    ),
    Service(id="search.begin", title="List what was never listed", run=jobs.begin),
    HealthCheck(id="search.health", title="Search", check=_health),
    Shredder(
        id="search.shredder",
        title="Searches of a person",
        export=lambda ref: {
            "saved": [item.query for item in kept_searches(ref)[0]],
            "last": [item.query for item in kept_searches(ref)[1]],
        },
        erase=counting.erase_person,
    ),
)
