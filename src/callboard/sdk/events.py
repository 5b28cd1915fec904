"""Say that something happened, and keep the webhooks that are told of it."""

from callboard.core.events.models import Delivery, OutboxEvent, Webhook, WebhookAttempt, WebhookDelivery
from callboard.core.events.publishing import EventError, publish
from callboard.core.events.selectors import (
    counts,
    dead_letters,
    deliveries_of,
    event_types,
    webhook,
    webhooks,
)
from callboard.core.events.services import (
    WebhookError,
    change_webhook,
    create_webhook,
    delete_webhook,
    ping_webhook,
    redeliver,
    replay,
    switch_webhook,
)

__all__ = [
    "Delivery",
    "EventError",
    "OutboxEvent",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookError",
    "change_webhook",
    "counts",
    "create_webhook",
    "dead_letters",
    "delete_webhook",
    "deliveries_of",
    "event_types",
    "ping_webhook",
    "publish",
    "redeliver",
    "replay",
    "switch_webhook",
    "webhook",
    "webhooks",
]
