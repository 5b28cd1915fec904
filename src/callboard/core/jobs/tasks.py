"""Tell Procrastinate of the one task that runs every job."""

from __future__ import annotations

from uuid import UUID

from procrastinate import App, JobContext


def register(app: App) -> None:
    """Add the task to the application that the Django integration has just made."""

    @app.task(name="callboard.run", pass_context=True)
    def run(context: JobContext, run_id: str) -> None:
        from callboard.core.jobs.running import execute  # noqa: PLC0415 - models must be ready

        execute(UUID(run_id), context.job.id or 0)
