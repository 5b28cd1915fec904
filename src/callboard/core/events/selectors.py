"""Read what the webhook pages show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from callboard.core.events.models import Delivery, Webhook, WebhookDelivery
from callboard.core.registry.contract import EventType
from callboard.core.registry.store import registry


def webhooks() -> QuerySet[Webhook]:
    """Answer all webhooks with the numbers of their waiting and dead deliveries."""
    return Webhook.objects.annotate(
        waiting=Count("deliveries", filter=Q(deliveries__state="pending")),
        dead=Count("deliveries", filter=Q(deliveries__state="dead")),
    )


def webhook(webhook_id: UUID) -> Webhook | None:
    """Answer one webhook."""
    return webhooks().filter(pk=webhook_id).first()


def deliveries_of(webhook_id: UUID, state: str = "") -> QuerySet[WebhookDelivery]:
    """Answer the deliveries of a webhook, newest first, with event and tries."""
    found = WebhookDelivery.objects.filter(webhook_id=webhook_id).select_related("event")
    if state:
        found = found.filter(state=state)
    return found.prefetch_related("tries")


def dead_letters() -> QuerySet[Delivery]:
    """Answer what subscribers of plugins could not handle, newest first."""
    return Delivery.objects.filter(state=Delivery.State.DEAD).select_related("event").order_by("-event_id")


def event_types() -> list[EventType]:
    """Answer every kind of event that can happen now, by name."""
    return sorted(registry.of(EventType), key=lambda item: item.id)


def counts() -> dict[str, Any]:
    """Answer how many deliveries wait and are dead, for administration and health checks."""
    subscribers = Delivery.objects.aggregate(
        waiting=Count("pk", filter=Q(state="pending")), dead=Count("pk", filter=Q(state="dead"))
    )
    hooks = WebhookDelivery.objects.aggregate(
        waiting=Count("pk", filter=Q(state="pending")), dead=Count("pk", filter=Q(state="dead"))
    )
    return {"subscribers": subscribers, "webhooks": hooks}
