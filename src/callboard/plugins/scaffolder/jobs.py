"""Work in the background: run tasks, and tend what nobody waits for."""

from __future__ import annotations

from uuid import UUID

from callboard.plugins.scaffolder.services.running import run_task
from callboard.plugins.scaffolder.services.tasks import tend as tend_tasks
from callboard.sdk.jobs import JobContext


def run(context: JobContext, task: str) -> None:
    """Run one task."""
    run_task(context, UUID(task))


def tend(context: JobContext) -> None:
    """Close questions whose time is over, fail tasks whose run is gone, delete old ones."""
    done = tend_tasks()
    context.log(f"{done['expired']} questions expired, {done['lost']} lost tasks, {done['deleted']} old tasks deleted.")
