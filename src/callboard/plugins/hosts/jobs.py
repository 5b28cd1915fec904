"""Work of the room that happens in the background."""

from __future__ import annotations

from callboard.plugins.hosts.services.ledger import forget_old_answers
from callboard.sdk.jobs import JobContext


def forget(context: JobContext) -> None:
    """Drop answers that nobody asked for again."""
    context.log(f"{forget_old_answers()} answers dropped")
