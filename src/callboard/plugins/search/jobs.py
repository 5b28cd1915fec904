"""Keep the index complete in the background."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from callboard.plugins.search.services import counting, index
from callboard.sdk.auth import SYSTEM, act_as
from callboard.sdk.jobs import JobContext, start

SETTLED_SECONDS = 8.0
"""After this a portal that was just started has what it needs at once."""


def begin(stop: threading.Event) -> None:
    """Look after the index as soon as a worker is there, so that a new portal need not wait for the schedule."""
    if not stop.wait(SETTLED_SECONDS) and index.due_types():
        with act_as(SYSTEM, "job"):
            start("search.tend")


def rebuild(context: JobContext, types: Sequence[str] = (), anew: bool = False) -> None:
    """List everything again, of some types or of all."""
    index.rebuild_types(tuple(types), anew=anew, report=context.progress, log=context.log)


def tend(context: JobContext) -> None:
    """List again what is due: types that were never listed, and those whose time has come."""
    due = index.due_types()
    if due:
        index.rebuild_types(due, report=context.progress, log=context.log)
    index.finish_vectors(context.progress)


def learn(context: JobContext) -> None:
    """Let what people choose count in the order of results, and drop old counts."""
    context.log(f"{counting.use_clicks_for_ranking()} documents changed their place")
    context.log(f"{counting.forget_old()} old counts dropped")
