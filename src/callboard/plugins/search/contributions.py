"""Everything the search room adds to the portal."""

from __future__ import annotations

from callboard.plugins.search import jobs
from callboard.plugins.search.api import api
from callboard.sdk.contributions import ApiRouter, Contribution, Job, Permission

contributions: tuple[Contribution, ...] = (
    Permission(id="search.index.manage", title="Renew the search index", action="update"),
    ApiRouter(id="search.api", title="Search", prefix="search", router=api, description="Find anything."),
    Job(id="search.rebuild", title="Renew the search index", run=jobs.rebuild, lock="search.rebuild", retries=1),
    Job(
        id="search.tend",
        title="Look after the search index",
        run=jobs.tend,
        schedule="*/5 * * * *",
        lock="search.rebuild",
        hidden=True,
    ),
)
