"""Keep webhooks, send deliveries again, replay dead letters, and forget what is old."""

from __future__ import annotations

import secrets
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.db import transaction

from callboard.core.audit.services import record
from callboard.core.auth.principal import principal
from callboard.core.config.current import portal_config
from callboard.core.config.sealing import seal_secret
from callboard.core.events.models import Delivery, OutboxEvent, Webhook, WebhookDelivery
from callboard.core.events.publishing import wake
from callboard.core.permissions.services import require
from callboard.lib.netguard import RefusedError, UnknownHostError, check_address

MANAGE = "admin.webhooks.manage"
PING = "portal.ping"


class WebhookError(ValueError):
    """Input for a webhook that cannot be used; ``field`` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def create_webhook(title: str, url: str, events: list[str]) -> tuple[Webhook, str]:
    """Add a webhook and answer it with its secret, which is never shown again."""
    require(MANAGE)
    title, url, events = title.strip(), url.strip(), _clean_events(events)
    _check(title, url)
    secret = f"cbwh_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        pk = uuid4()
        webhook = Webhook.objects.create(
            pk=pk,
            title=title,
            url=url,
            events=events,
            secret=seal_secret(secret, f"webhook:{pk}"),
            created_by=principal().ref[:300],
        )
        record("events.webhook.create", str(pk), {"title": title, "host": urlsplit(url).hostname})
    return webhook, secret


def change_webhook(webhook_id: UUID, *, title: str, url: str, events: list[str]) -> Webhook:
    """Change what a webhook is told and where; its secret stays."""
    require(MANAGE)
    title, url, events = title.strip(), url.strip(), _clean_events(events)
    _check(title, url)
    with transaction.atomic():
        webhook = _webhook(webhook_id)
        webhook.title, webhook.url, webhook.events = title, url, events
        webhook.save(update_fields=["title", "url", "events"])
        record("events.webhook.change", str(webhook_id), {"title": title, "host": urlsplit(url).hostname})
    return webhook


def switch_webhook(webhook_id: UUID, *, on: bool) -> Webhook:
    """Switch a webhook on or off.

    What waits for it is kept; what happens while it is off is never sent.
    """
    require(MANAGE)
    with transaction.atomic():
        webhook = _webhook(webhook_id)
        webhook.enabled, webhook.failures = on, 0
        webhook.disabled_reason = "" if on else f"Switched off by {principal().name or principal().ref}."
        webhook.save(update_fields=["enabled", "failures", "disabled_reason"])
        record("events.webhook.enable" if on else "events.webhook.disable", str(webhook_id))
        wake()
    return webhook


def delete_webhook(webhook_id: UUID) -> None:
    """Remove a webhook with all its deliveries."""
    require(MANAGE)
    with transaction.atomic():
        webhook = _webhook(webhook_id)
        record("events.webhook.delete", str(webhook_id), {"title": webhook.title})
        webhook.delete()


def ping_webhook(webhook_id: UUID) -> WebhookDelivery:
    """Send a test event to a webhook alone."""
    require(MANAGE)
    with transaction.atomic():
        webhook = _webhook(webhook_id)
        if not webhook.enabled:
            raise WebhookError("enabled", "The webhook is off; switch it on first.")
        event = OutboxEvent.objects.create(
            event=PING, payload={"webhook": str(webhook_id)}, actor=principal().ref[:300]
        )
        delivery = WebhookDelivery.objects.create(webhook=webhook, event=event)
        record("events.webhook.ping", str(webhook_id))
        wake()
    return delivery


def redeliver(delivery_id: UUID) -> WebhookDelivery:
    """Send a delivery again at once, with a full set of tries."""
    require(MANAGE)
    with transaction.atomic():
        delivery = WebhookDelivery.objects.select_for_update().filter(pk=delivery_id).first()
        if delivery is None:
            raise WebhookError("delivery", "There is no such delivery; it may have been deleted after its time.")
        delivery.state = WebhookDelivery.State.PENDING
        delivery.round = 0
        delivery.next_at = delivery.finished_at = None
        delivery.save(update_fields=["state", "round", "next_at", "finished_at"])
        record("events.webhook.redeliver", str(delivery.webhook_id), {"delivery": str(delivery_id)})
        wake()
    return delivery


def replay(delivery_ids: list[int]) -> int:
    """Hand dead letters to their subscribers again; answer how many."""
    require(MANAGE)
    with transaction.atomic():
        count = Delivery.objects.filter(pk__in=delivery_ids, state=Delivery.State.DEAD).update(
            state=Delivery.State.PENDING, attempts=0, next_at=None, finished_at=None
        )
        record("events.delivery.replay", "", {"deliveries": delivery_ids[:100], "count": count})
        wake()
    return count


def delete_old(before: datetime, batch: int = 5000) -> int:
    """Forget events from before a moment that nobody waits for any more; answer how many.

    Called by retention. Dead letters are forgotten as well: they were visible for as long as anything is.
    """
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING).values("event_id")
    sending = WebhookDelivery.objects.filter(state=WebhookDelivery.State.PENDING, webhook__enabled=True).values(
        "event_id"
    )
    count = 0
    while True:
        old = list(
            OutboxEvent.objects.filter(at__lt=before)
            .exclude(pk__in=waiting)
            .exclude(pk__in=sending)
            .values_list("pk", flat=True)[:batch]
        )
        if not old:
            return count
        OutboxEvent.objects.filter(pk__in=old).delete()
        count += len(old)


def _webhook(webhook_id: UUID) -> Webhook:
    webhook = Webhook.objects.select_for_update().filter(pk=webhook_id).first()
    if webhook is None:
        raise WebhookError("webhook", "There is no such webhook; somebody may have deleted it.")
    return webhook


def _clean_events(events: list[str]) -> list[str]:
    cleaned = list(dict.fromkeys(item.strip() for item in events if item.strip()))
    if not cleaned:
        raise WebhookError("events", "Name at least one event, or * for all.")
    if len(cleaned) > 100 or any(len(item) > 100 or " " in item for item in cleaned):
        raise WebhookError("events", "Name at most 100 events, each at most 100 characters without blanks.")
    return cleaned


def _check(title: str, url: str) -> None:
    if not title or len(title) > 100:
        raise WebhookError("title", "Give the webhook a name of at most 100 characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WebhookError("url", "This is not an address; write https://host/path.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > 2000:
        raise WebhookError("url", "The address must begin with https:// or http:// and name a host.")
    if parts.username or parts.password:
        raise WebhookError("url", "The address must not contain a user name or password.")
    try:
        check_address(parts.hostname, port or 443, portal_config().webhooks.allow)
    except RefusedError as error:
        raise WebhookError("url", f"{error} (webhooks.allow in callboard.yaml).") from error
    except UnknownHostError as error:
        raise WebhookError("url", str(error)) from error
