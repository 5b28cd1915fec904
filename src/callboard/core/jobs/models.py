"""Runs of jobs, what they said, when jobs are due, and which workers are alive."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class Run(models.Model):
    """One run of a job. The queue only says *that* it waits; everything known about it stands here.

    ``acting`` is the principal the run acts as; ``token`` is new with every attempt, so that what a
    lost attempt still writes can be told from the attempt that counts.
    """

    class State(models.TextChoices):
        """Where a run stands."""

        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.CharField(max_length=100)
    title = models.CharField(max_length=300)
    arguments = models.JSONField(default=dict)
    arguments_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    hidden = models.BooleanField(default=False)
    lock = models.CharField(max_length=200, blank=True)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True, blank=True)
    progress_message = models.CharField(max_length=500, blank=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=1)
    error = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    started_by = models.CharField(max_length=300)
    started_by_name = models.CharField(max_length=300, blank=True)
    acting = models.JSONField(default=dict)
    token = models.UUIDField(null=True, blank=True)
    worker = models.BigIntegerField(null=True, blank=True)
    procrastinate_job_id = models.BigIntegerField(null=True, blank=True)
    log_lines = models.PositiveIntegerField(default=0)

    class Meta:
        """Table, order and the indexes that the page and the recovery use."""

        db_table = "cb_jobs_run"
        ordering = ("-queued_at",)
        indexes = (
            models.Index(fields=["-queued_at"], name="cb_jobs_run_recent"),
            models.Index(fields=["job", "-queued_at"], name="cb_jobs_run_job"),
            models.Index(fields=["started_by", "-queued_at"], name="cb_jobs_run_person"),
            models.Index(fields=["state"], name="cb_jobs_run_active", condition=Q(state__in=("queued", "running"))),
            models.Index(fields=["finished_at"], name="cb_jobs_run_finished", condition=Q(finished_at__isnull=False)),
        )
        constraints = (
            # A second run that would do exactly what a waiting one is going to do is never queued.
            models.UniqueConstraint(
                fields=["job", "lock", "arguments_digest"],
                name="cb_jobs_run_waiting_once",
                condition=Q(state="queued") & ~Q(lock=""),
            ),
        )

    def __str__(self) -> str:
        """One line for logs."""
        return f"{self.job} {self.id} {self.state}"

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in {self.State.QUEUED, self.State.RUNNING}

    @property
    def percent(self) -> int | None:
        """How far it is, from 0 to 100, where that is known."""
        if self.state == self.State.SUCCEEDED:
            return 100
        if not self.progress_total:
            return None
        return max(0, min(100, self.progress_done * 100 // self.progress_total))


class LogLine(models.Model):
    """One line that a run wrote; ``n`` counts from 1 within the run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="lines")
    n = models.PositiveIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=8, default="info")
    message = models.TextField()

    class Meta:
        """Table and order; a line's number is its place, whatever writes it."""

        db_table = "cb_jobs_log_line"
        ordering = ("n",)
        constraints = (models.UniqueConstraint(fields=["run", "n"], name="cb_jobs_log_line_n"),)

    def __str__(self) -> str:
        """Level and text, for logs."""
        return f"{self.level}: {self.message}"


class Schedule(models.Model):
    """When a job is due next. The row is locked while its run is started, so each occurrence is one run."""

    job = models.CharField(max_length=100, primary_key=True)
    cron = models.CharField(max_length=100)
    next_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    last_run = models.UUIDField(null=True, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        """Table name."""

        db_table = "cb_jobs_schedule"

    def __str__(self) -> str:
        """Job and time, for logs."""
        return f"{self.job} at {self.next_at}"


class Worker(models.Model):
    """A worker process. It holds an advisory lock on its id, which PostgreSQL frees when the process dies."""

    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    concurrency = models.PositiveIntegerField()
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()
    stopping = models.BooleanField(default=False)

    class Meta:
        """Table name."""

        db_table = "cb_jobs_worker"

    def __str__(self) -> str:
        """Host and process, for logs."""
        return f"{self.host}:{self.pid}"
