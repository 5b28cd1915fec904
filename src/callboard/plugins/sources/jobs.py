"""Work of the room that happens in the background."""

from __future__ import annotations

from callboard.plugins.sources.services.running import forget_old, perform_run, start_due
from callboard.plugins.sources.types.found import SourceError
from callboard.sdk.jobs import JobContext


def due(context: JobContext) -> None:
    """Start the sources whose time has come."""
    for name in start_due():
        context.log(f"{name} is due")


def run(context: JobContext, source: str, trigger: str = "schedule", only: list[str] | None = None) -> None:
    """Look through one source."""
    try:
        done = perform_run(
            source,
            trigger=trigger,
            only=only or (),
            job=context.run_id,
            report=context.progress,
            note=context.log,
        )
    except SourceError as error:
        context.log(f"{error.message} {error.remedy}", "error")
        raise
    if done is None:
        context.log("another run of this source is under way; this one is not needed", "warning")
        return
    counts = ", ".join(f"{count} {word}" for word, count in done.outcome.items())
    context.log(f"{counts}; {done.trouble_count} troubles")


def forget(context: JobContext) -> None:
    """Drop old runs and webhooks."""
    context.log(f"{forget_old()} rows dropped")
