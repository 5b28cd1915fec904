"""Long work of the onboarding room."""

from __future__ import annotations

from callboard.plugins.onboarding.services import follow_pull_requests, look_at_waiting, open_pull_requests
from callboard.sdk.jobs import JobContext


def look(context: JobContext, host: str) -> None:
    """Look at the repositories of a host that wait."""
    look_at_waiting(context, host)


def request(context: JobContext) -> None:
    """Open the pull requests that were asked for."""
    open_pull_requests(context)


def follow(context: JobContext) -> None:
    """See which pull requests were merged."""
    follow_pull_requests(context)
