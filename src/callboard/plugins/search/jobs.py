"""Keep the index complete in the background."""

from __future__ import annotations

from collections.abc import Sequence

from callboard.plugins.search import services
from callboard.sdk.jobs import JobContext


def rebuild(context: JobContext, types: Sequence[str] = (), anew: bool = False) -> None:
    """List everything again, of some types or of all."""
    services.rebuild_types(tuple(types), anew=anew, report=context.progress, log=context.log)


def tend(context: JobContext) -> None:
    """List again what is due: types that were never listed, and those whose time has come."""
    due = services.due_types()
    if due:
        services.rebuild_types(due, report=context.progress, log=context.log)
    services.finish_vectors(context.progress)
