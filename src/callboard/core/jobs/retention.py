"""Forget finished runs and old events after their time."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from callboard.core.config.current import portal_config
from callboard.core.events import services as events
from callboard.core.jobs import services as jobs
from callboard.core.jobs.context import JobContext


def forget_old(context: JobContext) -> None:
    """Delete what is older than the configuration keeps; a daily job does it."""
    config = portal_config()
    now = timezone.now()
    context.progress(0, 2, "runs of jobs")
    count = jobs.delete_finished(now - timedelta(days=config.jobs.keep_days))
    context.log(f"{count} runs older than {config.jobs.keep_days} days were deleted.")
    context.progress(1, 2, "events")
    count = events.delete_old(now - timedelta(days=config.webhooks.keep_days))
    context.log(f"{count} events older than {config.webhooks.keep_days} days were deleted.")
    context.progress(2, 2)
