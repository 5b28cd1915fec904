"""Tables of templates: tasks with their steps, events, workspaces, approvals, receipts, drafts and origins."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Task(models.Model):
    """One use of a template. ``spec`` is what it runs, fixed when it began; later changes do not reach it.

    ``status`` has the words of the original's API. ``waits`` says what an open task waits for. ``secrets``
    is sealed and emptied at the end; ``acting`` is the principal it runs as.
    """

    class Status(models.TextChoices):
        """Where a task stands."""

        OPEN = "open", "Waiting"
        PROCESSING = "processing", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        SKIPPED = "skipped", "Skipped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template_ref = models.TextField()
    title = models.TextField(default="")
    spec = models.JSONField(default=dict)
    status = models.TextField(choices=Status.choices, default=Status.OPEN)
    waits = models.TextField(default="turn", help_text="turn, approval, or nothing")
    dry_run = models.BooleanField(default=False)
    secrets = models.TextField(default="")
    needs_secrets = models.BooleanField(default=False)
    output = models.JSONField(default=dict)
    error = models.TextField(default="")
    remedy = models.TextField(default="")
    created_by = models.TextField()
    created_by_name = models.TextField(default="")
    acting = models.JSONField(default=dict)
    run_id = models.UUIDField(null=True)
    entity_ref = models.TextField(default="", help_text="The entity that a day-2 task is about.")
    template_version = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    last_heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        """Indexes for the lists and for whatever is not over."""

        db_table = "cb_scaffolder_task"
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["-created_at"], name="cb_scaffolder_task_recent"),
            models.Index(fields=["created_by", "-created_at"], name="cb_scaffolder_task_person"),
            models.Index(fields=["template_ref", "-created_at"], name="cb_scaffolder_task_of"),
            models.Index(
                fields=["status", "created_at"],
                name="cb_scaffolder_task_active",
                condition=Q(status__in=("open", "processing")),
            ),
        ]

    def __str__(self) -> str:
        """One line for logs."""
        return f"{self.template_ref} {self.pk} {self.status}"

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.status in {self.Status.OPEN, self.Status.PROCESSING}


class TaskStep(models.Model):
    """A step of a task: ``processing`` is written before it begins, the end together with its output.

    ``in_doubt`` marks a step that was interrupted and may or may not have happened. ``checkpoints`` is
    what the action has noted of itself, so that a second try need not repeat it.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="steps")
    n = models.IntegerField()
    step_id = models.TextField()
    name = models.TextField()
    action = models.TextField()
    status = models.TextField(default="open")
    in_doubt = models.BooleanField(default=False)
    attempt = models.IntegerField(default=0)
    output = models.JSONField(default=dict)
    checkpoints = models.JSONField(default=dict)
    error = models.TextField(default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """A task has its steps in order."""

        db_table = "cb_scaffolder_step"
        ordering = ("n",)
        constraints = [models.UniqueConstraint(fields=["task", "n"], name="cb_scaffolder_step_n")]

    @property
    def seconds(self) -> float | None:
        """How long it took, once it is over."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class TaskEvent(models.Model):
    """Something a task said: a log line of a step, or how it ended."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="events")
    type = models.TextField()
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Read in order, by task."""

        db_table = "cb_scaffolder_event"
        ordering = ("id",)
        indexes = [models.Index(fields=["task", "id"], name="cb_scaffolder_event_of")]


class Workspace(models.Model):
    """The files of a task as they were after its last finished step, packed."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="workspace", primary_key=True)
    content = models.BinaryField(null=True)
    place = models.TextField(default="", help_text="Name in the bucket, where one is configured.")
    size = models.BigIntegerField(default=0)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Table name."""

        db_table = "cb_scaffolder_workspace"


class Approval(models.Model):
    """Somebody has to agree before a step of a task."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="approvals")
    n = models.IntegerField()
    step_name = models.TextField(default="")
    by = ArrayField(models.TextField(), default=list)
    four_eyes = models.BooleanField(default=True)
    needs_reason = models.BooleanField(default=False)
    asked_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    decision = models.TextField(default="")
    decided_by = models.TextField(default="")
    decided_by_name = models.TextField(default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(default="")

    class Meta:
        """One question a step; open ones are found quickly."""

        db_table = "cb_scaffolder_approval"
        constraints = [models.UniqueConstraint(fields=["task", "n"], name="cb_scaffolder_approval_of")]
        indexes = [models.Index(fields=["expires_at"], name="cb_scaffolder_approval_open", condition=Q(decision=""))]


class Receipt(models.Model):
    """Something that an action made outside of its workspace, written down the moment it exists.

    ``expires_at`` makes it a lease: it is to be renewed or taken back by then. ``cost`` is a line for people.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="receipts")
    n = models.IntegerField()
    step_id = models.TextField()
    action = models.TextField()
    kind = models.TextField()
    title = models.TextField()
    url = models.TextField(default="")
    data = models.JSONField(default=dict)
    complete = models.BooleanField(default=True)
    cost = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.TextField(default="")

    class Meta:
        """Table and order."""

        db_table = "cb_scaffolder_receipt"
        ordering = ("id",)
        indexes = [
            models.Index(
                fields=["expires_at"],
                name="cb_scaffolder_receipt_lease",
                condition=Q(expires_at__isnull=False, undone_at__isnull=True),
            )
        ]


class Draft(models.Model):
    """Answers that somebody has not finished giving. Secrets are never among them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.TextField()
    template_ref = models.TextField()
    values = models.JSONField(default=dict)
    page = models.IntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        """One draft a person and template."""

        db_table = "cb_scaffolder_draft"
        ordering = ("-changed_at",)
        constraints = [models.UniqueConstraint(fields=["owner", "template_ref"], name="cb_scaffolder_draft_of")]


class Origin(models.Model):
    """What an entity was made of: template, version, answers. Drift is measured against it."""

    entity_ref = models.TextField(primary_key=True)
    template_ref = models.TextField()
    template_version = models.TextField(default="")
    answers = models.JSONField(default=dict)
    files = models.JSONField(default=dict, help_text="Digest of every file that was rendered, by path.")
    remote_url = models.TextField(default="")
    task_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Found by template, to see who is behind."""

        db_table = "cb_scaffolder_origin"
        indexes = [models.Index(fields=["template_ref"], name="cb_scaffolder_origin_of")]
