"""Work of the catalog that happens in the background."""

from __future__ import annotations

from callboard.plugins.catalog.services.processing import process_due
from callboard.plugins.catalog.services.providers import run_provider, start_due_providers
from callboard.plugins.catalog.services.removing import forget_expired
from callboard.plugins.catalog.services.watching import keep_local_files_fresh
from callboard.sdk.jobs import JobContext


def process(context: JobContext) -> None:
    """Read every source that is due and bring what changed into the catalog."""
    for provider in start_due_providers():
        context.log(f"provider {provider} is due")
    applied = process_due(context.progress, stop=context.cancelled)
    if applied:
        context.log(
            f"{len(applied.created)} new, {len(applied.changed)} changed, {len(applied.removed)} removed entities"
        )
    if applied.problems:
        context.log(f"{applied.problems} problems; the ingestion page shows them", "warning")


def provide(context: JobContext, provider: str) -> None:
    """Run one provider."""
    applied = run_provider(provider, context.log)
    context.log(f"{len(applied.created)} new, {len(applied.changed)} changed, {len(applied.removed)} removed entities")


def forget(context: JobContext) -> None:
    """Drop tombstones whose time to undo is over."""
    context.log(f"{forget_expired()} tombstones dropped")


__all__ = ["forget", "keep_local_files_fresh", "process", "provide"]
