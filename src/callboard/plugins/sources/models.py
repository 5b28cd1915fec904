"""Tables of the room: sources made in the UI, how each is doing, its runs, what it found, and webhooks that came in."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Source(models.Model):
    """A source made in the UI or through the API. ``secrets`` is sealed JSON and never leaves the server."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.TextField(unique=True)
    type = models.TextField()
    settings = models.JSONField(default=dict)
    secrets = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.TextField(default="")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Listed by name."""

        db_table = "cb_sources_source"
        ordering = ("name",)

    def __str__(self) -> str:
        """Name and type."""
        return f"{self.name} ({self.type})"


class SourceState(models.Model):
    """What is known of a source beside its settings; those of ``callboard.yaml`` have one too."""

    source = models.TextField(primary_key=True)
    paused = models.BooleanField(default=False)
    not_before = models.DateTimeField(null=True, help_text="A host asked to be left alone until then.")
    hook_secret = models.TextField(default="", help_text="Sealed; what webhooks of this source alone are signed with.")

    class Meta:
        """One row a source."""

        db_table = "cb_sources_state"


class SourceRun(models.Model):
    """One look through a source and what came of it."""

    class State(models.TextChoices):
        """How it went."""

        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        PARTIAL = "partial", "Partly"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.TextField()
    trigger = models.TextField(default="schedule")
    state = models.TextField(choices=State.choices, default=State.RUNNING)
    job = models.UUIDField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    looked_at = models.JSONField(default=dict)
    found = models.JSONField(default=dict)
    outcome = models.JSONField(default=dict, help_text="Entities that were created, changed, removed or held.")
    troubles = models.JSONField(default=list)
    trouble_count = models.IntegerField(default=0)
    message = models.TextField(default="")
    remedy = models.TextField(default="")

    class Meta:
        """The runs of a source, newest first; one at a time."""

        db_table = "cb_sources_run"
        ordering = ("-started_at",)
        indexes = [models.Index(fields=["source", "-started_at"], name="cb_sources_run_of")]
        constraints = [
            models.UniqueConstraint(fields=["source"], condition=Q(state="running"), name="cb_sources_run_one")
        ]

    def __str__(self) -> str:
        """One line for logs."""
        return f"{self.source}: {self.state}"


class FoundLocation(models.Model):
    """A catalog file that a source found last time, with the text that changes when the file does."""

    source = models.TextField()
    type = models.TextField(default="url")
    target = models.TextField()
    repository = models.TextField(default="")
    path = models.TextField(default="")
    revision = models.TextField(default="")

    class Meta:
        """Asked for by source and by repository."""

        db_table = "cb_sources_found"
        constraints = [models.UniqueConstraint(fields=["source", "target"], name="cb_sources_found_is")]
        indexes = [models.Index(fields=["source", "repository"], name="cb_sources_found_in")]


class HookDelivery(models.Model):
    """A webhook that came in, so that the same one counts once."""

    sender = models.TextField(help_text="Connection or source.")
    delivery = models.TextField()
    event = models.TextField(default="")
    repository = models.TextField(default="")
    outcome = models.TextField(default="")
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Once each, and newest first."""

        db_table = "cb_sources_delivery"
        constraints = [models.UniqueConstraint(fields=["sender", "delivery"], name="cb_sources_delivery_is")]
        indexes = [models.Index(fields=["-received_at"], name="cb_sources_delivery_age")]
