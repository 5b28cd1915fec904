"""Say that something happened, and keep the webhooks that are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from callboard.core.events.clients import Answer


def guarded_post(url: str, headers: Mapping[str, str], body: bytes, *, allow: Iterable[str], timeout: float) -> Answer:
    """Post to an address that an operator chose: to judged addresses alone, within a time limit; never raises."""
    from callboard.core.events import clients  # noqa: PLC0415 - the HTTP library is slow to import

    return clients.post(url, headers, body, allow=allow, timeout=timeout)


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
    "guarded_post",
    "ping_webhook",
    "publish",
    "redeliver",
    "replay",
    "switch_webhook",
    "webhook",
    "webhooks",
]
