"""Open templates to people and programs."""

from __future__ import annotations

from callboard.plugins.scaffolder.api.router import api
from callboard.sdk.contributions import ApiRouter, Contribution

contributions: tuple[Contribution, ...] = (
    ApiRouter(
        id="scaffolder.api",
        title="Templates",
        prefix="scaffolder",
        router=api,
        description="Templates, their questions, tasks and actions.",
    ),
)
