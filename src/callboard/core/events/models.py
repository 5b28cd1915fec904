"""What happened, who has to be told, and the webhooks of the outside world."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from callboard.core.config.sealing import SealedField


class OutboxEvent(models.Model):
    """Something that happened, written in the transaction that made it happen."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.CharField(max_length=100)
    payload = models.JSONField()
    actor = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        """Table and order."""

        db_table = "cb_events_outbox"
        ordering = ("-id",)

    def __str__(self) -> str:
        """One line for logs."""
        return f"{self.event} #{self.id}"


class Delivery(models.Model):
    """An event on its way to one subscriber of a plugin.

    Written together with the event, in the same transaction. That is why no cursor over the outbox
    is needed: numbers of a sequence become visible in the order of commits, not in their own, so a
    cursor would step over the numbers of transactions that are still open. A row of its own is
    either there or not.
    """

    class State(models.TextChoices):
        """Where a delivery stands."""

        PENDING = "pending", "Pending"
        DONE = "done", "Done"
        DEAD = "dead", "Dead letter"

    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    class Meta:
        """Table, and the index by which a subscriber's next event is found."""

        db_table = "cb_events_delivery"
        indexes = (
            models.Index(fields=["subscriber", "event"], name="cb_events_delivery_todo", condition=Q(state="pending")),
            models.Index(fields=["-event"], name="cb_events_delivery_dead", condition=Q(state="dead")),
        )
        constraints = (models.UniqueConstraint(fields=["event", "subscriber"], name="cb_events_delivery_once"),)

    def __str__(self) -> str:
        """One line for logs."""
        return f"event {self.event_id} to {self.subscriber}: {self.state}"


class Webhook(models.Model):
    """An address outside that is told of events. The secret is encrypted and never shown again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=100)
    url = models.URLField(max_length=2000)
    events = ArrayField(models.CharField(max_length=100))
    secret = SealedField(purpose="webhook:{pk}")
    enabled = models.BooleanField(default=True)
    disabled_reason = models.TextField(blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Failed attempts since the last success.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=300)
    last_success_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Table and order."""

        db_table = "cb_events_webhook"
        ordering = ("title", "created_at")

    def __str__(self) -> str:
        """Title and address, never the secret."""
        return f"{self.title} {self.url}"


class WebhookDelivery(models.Model):
    """An event on its way to a webhook. ``leased_until`` keeps it from being sent twice at once."""

    class State(models.TextChoices):
        """Where a delivery stands."""

        PENDING = "pending", "Pending"
        DONE = "done", "Delivered"
        DEAD = "dead", "Dead letter"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="webhook_deliveries")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    round = models.PositiveIntegerField(default=0, help_text="Attempts since it was last sent by hand.")
    next_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        """Table, and the indexes by which due deliveries and a webhook's history are found."""

        db_table = "cb_events_webhook_delivery"
        ordering = ("-event",)
        indexes = (
            models.Index(fields=["event"], name="cb_events_wh_todo", condition=Q(state="pending")),
            models.Index(fields=["webhook", "-event"], name="cb_events_wh_history"),
        )

    def __str__(self) -> str:
        """One line for logs."""
        return f"event {self.event_id} to webhook {self.webhook_id}: {self.state}"


class WebhookAttempt(models.Model):
    """One try to deliver: what was sent, what came back, how long it took."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="tries")
    n = models.PositiveIntegerField()
    at = models.DateTimeField()
    request_headers = models.JSONField(default=dict)
    request_body = models.TextField(blank=True)
    status = models.PositiveIntegerField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField(default=0)
    response_headers = models.JSONField(default=dict)
    response_excerpt = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta:
        """Table and order."""

        db_table = "cb_events_webhook_attempt"
        ordering = ("n",)

    def __str__(self) -> str:
        """One line for logs."""
        return f"try {self.n}: {self.status or self.error}"
