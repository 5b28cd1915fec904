"""Long work: start jobs, watch them, and what a running job holds in its hand."""

from callboard.core.jobs.context import (
    JobCancelledError,
    JobContext,
    JobTimedOutError,
    RunLostError,
    StopRunError,
)
from callboard.core.jobs.models import LogLine, Run
from callboard.core.jobs.retention import forget_old
from callboard.core.jobs.selectors import (
    ScheduleView,
    WorkerView,
    counts,
    jobs_seen,
    lines,
    may_manage,
    run,
    runs,
    schedules,
    waits_for,
    worker_alive,
    workers,
)
from callboard.core.jobs.services import JobError, cancel, retry, run_now, start

__all__ = [
    "JobCancelledError",
    "JobContext",
    "JobError",
    "JobTimedOutError",
    "LogLine",
    "Run",
    "RunLostError",
    "ScheduleView",
    "StopRunError",
    "WorkerView",
    "cancel",
    "counts",
    "forget_old",
    "jobs_seen",
    "lines",
    "may_manage",
    "retry",
    "run",
    "run_now",
    "runs",
    "schedules",
    "start",
    "waits_for",
    "worker_alive",
    "workers",
]
