"""Tables of access: policies with their versions, approvals, requests, and access granted for a time.

A policy is read whole and compiled, and a published one never changes, so it is one JSON document and no web of rows.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class State(models.Model):
    """The one row that every process looks at: a number that grows whenever decisions may change."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        """There is exactly one row."""

        db_table = "cb_rbac_state"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="cb_rbac_state_one")]


class Policy(models.Model):
    """One version of the policy: a draft that is edited, the published one that decides, or one that once did.

    ``source`` is the YAML it was imported from, whose comments an export keeps. ``digest`` names the content, so that
    an approval is of exactly what was looked at. ``based_on`` is what was in force when the draft was begun.
    """

    class Status(models.TextChoices):
        """Where a policy is in its life."""

        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        INACTIVE = "inactive", "Inactive"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(null=True, unique=True, help_text="Version, counted when published.")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    document = models.JSONField()
    source = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    revision = models.PositiveIntegerField(default=1, help_text="Grows with every save: two editors notice each other.")
    based_on = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note = models.TextField(blank=True, help_text="Why it was published.")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=300)
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.CharField(max_length=300)
    publish_at = models.DateTimeField(null=True, blank=True)
    scheduled_by = models.CharField(max_length=300, blank=True)
    schedule_error = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """At most one policy decides."""

        db_table = "cb_rbac_policy"
        ordering = ("-updated_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="cb_rbac_policy_one_published"
            )
        ]
        indexes = [
            models.Index(fields=["publish_at"], condition=Q(publish_at__isnull=False), name="cb_rbac_policy_due"),
        ]

    def __str__(self) -> str:
        """Name and version."""
        return f"{self.name} {self.number or self.status}"


class Approval(models.Model):
    """Somebody other than the editor looked at a draft; it counts for the content it was given for alone."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="approvals")
    digest = models.CharField(max_length=64)
    by = models.CharField(max_length=300)
    at = models.DateTimeField(db_default=Now())
    note = models.TextField(blank=True)

    class Meta:
        """Once each."""

        db_table = "cb_rbac_approval"
        constraints = [models.UniqueConstraint(fields=["policy", "digest", "by"], name="cb_rbac_approval_is")]


class AccessRequest(models.Model):
    """Somebody asks for a role, often because a page refused them."""

    class State(models.TextChoices):
        """What came of it."""

        PENDING = "pending", "Waiting"
        APPROVED = "approved", "Approved"
        DENIED = "denied", "Denied"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    who = models.CharField(max_length=300)
    who_name = models.CharField(max_length=300, blank=True)
    role = models.CharField(max_length=100)
    permission = models.CharField(max_length=200, blank=True)
    page = models.CharField(max_length=1000, blank=True)
    reason = models.TextField()
    days = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    created_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=300, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        """Newest first; one waiting request a person and role."""

        db_table = "cb_rbac_request"
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=["who", "role"], condition=Q(state="pending"), name="cb_rbac_request_once")
        ]
        indexes = [models.Index(fields=["who", "-created_at"], name="cb_rbac_request_mine")]


class Grant(models.Model):
    """A membership for a time, beside the policy's own members. It ends by itself."""

    role = models.CharField(max_length=100)
    member = models.CharField(max_length=310, help_text="As it is written in a policy.")
    until = models.DateTimeField()
    request = models.ForeignKey(AccessRequest, null=True, blank=True, on_delete=models.SET_NULL, related_name="grants")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=300, blank=True)

    class Meta:
        """Asked for: what holds now."""

        db_table = "cb_rbac_grant"
        ordering = ("until",)
        indexes = [models.Index(fields=["until"], condition=Q(ended_at__isnull=True), name="cb_rbac_grant_holds")]


class StreamPosition(models.Model):
    """How far a stream of the audit record got; it goes on from there after a fault.

    ``gaps`` are numbers that were not there yet, with the moment they were missed: a transaction that took a number
    earlier may end later. They are looked for again for a day.
    """

    name = models.CharField(primary_key=True, max_length=40)
    last_id = models.BigIntegerField(default=0)
    gaps = models.JSONField(default=dict)
    sent = models.BigIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One row a stream."""

        db_table = "cb_rbac_stream"
