"""Tables of the room: connections made in the UI, what hosts said of their limits, answers kept with their ETags."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now


class Connection(models.Model):
    """A connection made in the UI or through the API. ``secrets`` is sealed JSON and never leaves the server."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.TextField(unique=True)
    product = models.TextField()
    url = models.TextField()
    options = models.JSONField(default=dict)
    secrets = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.TextField(default="")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Listed by name."""

        db_table = "cb_hosts_connection"
        ordering = ("name",)

    def __str__(self) -> str:
        """Name and address."""
        return f"{self.name} ({self.url})"


class Check(models.Model):
    """What the last test of a connection found; those of ``callboard.yaml`` have one too."""

    connection = models.TextField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    ok = models.BooleanField()
    account = models.TextField(default="")
    message = models.TextField(default="")
    remedy = models.TextField(default="")

    class Meta:
        """One row a connection."""

        db_table = "cb_hosts_check"


class RateLimit(models.Model):
    """How many more requests a host takes, and until when it wants to be left alone."""

    connection = models.TextField()
    resource = models.TextField(default="core")
    limit = models.BigIntegerField(null=True)
    remaining = models.BigIntegerField(null=True)
    reset_at = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        """One row a connection and resource."""

        db_table = "cb_hosts_rate_limit"
        constraints = [models.UniqueConstraint(fields=["connection", "resource"], name="cb_hosts_rate_limit_is")]


class KeptAnswer(models.Model):
    """An answer with its ETag, so that asking again costs the host next to nothing."""

    connection = models.TextField()
    key = models.TextField()
    etag = models.TextField()
    link = models.TextField(default="")
    content = models.BinaryField()
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        """One row a request; old ones are removed."""

        db_table = "cb_hosts_kept_answer"
        constraints = [models.UniqueConstraint(fields=["connection", "key"], name="cb_hosts_kept_answer_is")]
        indexes = [models.Index(fields=["used_at"], name="cb_hosts_kept_answer_age")]
