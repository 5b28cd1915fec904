"""Send events to webhooks: signed, retried with growing pauses, given up in the end, all of it visible."""

from __future__ import annotations

import hashlib
import hmac
import logging
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from callboard.core.config.current import portal_config
from callboard.core.config.sealing import open_secret
from callboard.core.events.models import OutboxEvent, Webhook, WebhookAttempt, WebhookDelivery
from callboard.lib.crypto import SealError

if TYPE_CHECKING:
    from callboard.core.events import clients

log = logging.getLogger(__name__)

LEASE_SECONDS = 180.0
"""After this a delivery that a dead worker took is taken again; longer than any exchange may last."""
BACKOFF_SECONDS = 5.0
BACKOFF_CAP = 3600.0


def claim(limit: int) -> list[UUID]:
    """Take up to ``limit`` deliveries that are due, oldest first; nobody else will send them meanwhile."""
    now = timezone.now()
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    due = Q(next_at__isnull=True) | Q(next_at__lte=now)
    with transaction.atomic():
        ids = list(
            WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(free, due, state=WebhookDelivery.State.PENDING, webhook__enabled=True)
            .order_by("event_id")
            .values_list("pk", flat=True)[:limit]
        )
        if ids:
            WebhookDelivery.objects.filter(pk__in=ids).update(
                leased_until=now + timedelta(seconds=LEASE_SECONDS),
                attempts=F("attempts") + 1,
                round=F("round") + 1,
            )
    return ids


def body_of(event: OutboxEvent) -> bytes:
    """Answer the JSON that a receiver gets; the same event always gives the same bytes."""
    document: dict[str, Any] = {
        "id": str(event.uid),
        "event": event.event,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "payload": event.payload,
    }
    return orjson.dumps(document)


def signature(secret: str, body: bytes, at: int) -> str:
    """Answer the value of ``Callboard-Signature`` for a body sent at a Unix time."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def attempt(delivery_id: UUID) -> clients.Answer | None:
    """Send a claimed delivery and write down what came of it."""
    from callboard.core.events import clients  # noqa: PLC0415 - the HTTP library is slow to import

    delivery = WebhookDelivery.objects.select_related("webhook", "event").filter(pk=delivery_id).first()
    if delivery is None or delivery.state != WebhookDelivery.State.PENDING:
        return None
    webhook, event = delivery.webhook, delivery.event
    body, at = body_of(event), int(time.time())
    config = portal_config().webhooks
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Callboard-Webhook/1",
        "Callboard-Event": event.event,
        "Callboard-Event-Id": str(event.uid),
        "Callboard-Delivery": str(delivery.pk),
        "Callboard-Attempt": str(delivery.attempts),
    }
    try:
        headers["Callboard-Signature"] = signature(secret_of(webhook), body, at)
        answer = clients.post(webhook.url, headers, body, allow=config.allow, timeout=config.timeout)
    except SealError as error:
        answer = clients.Answer(error=f"{error} Create the webhook anew.")
    _record(delivery, headers, body, answer)
    return answer


def secret_of(webhook: Webhook) -> str:
    """Open the webhook's secret."""
    return open_secret(webhook.secret, f"webhook:{webhook.pk}")


def _record(delivery: WebhookDelivery, headers: dict[str, str], body: bytes, answer: clients.Answer) -> None:
    config = portal_config().webhooks
    now = timezone.now()
    error = answer.error or ("" if answer.accepted else f"the receiver answered with status {answer.status}")
    with transaction.atomic():
        # The webhook's row is locked first, so that tries that end together count one by one.
        webhook = Webhook.objects.select_for_update().filter(pk=delivery.webhook_id).first()
        if webhook is None:
            return
        WebhookAttempt.objects.create(
            delivery=delivery,
            n=delivery.attempts,
            at=now,
            request_headers=headers,
            request_body=body.decode()[:20_000].replace("\x00", ""),
            status=answer.status,
            latency_ms=answer.latency_ms,
            response_headers={key: value[:500].replace("\x00", "") for key, value in answer.headers.items()},
            response_excerpt=answer.excerpt,
            error=error[:2000],
        )
        changes: dict[str, Any] = {"leased_until": None, "error": error[:2000]}
        if answer.accepted:
            changes |= {"state": WebhookDelivery.State.DONE, "finished_at": now, "next_at": None}
        elif delivery.round >= config.attempts:
            changes |= {"state": WebhookDelivery.State.DEAD, "finished_at": now, "next_at": None}
        else:
            pause = min(BACKOFF_CAP, BACKOFF_SECONDS * 2 ** (delivery.round - 1))
            changes["next_at"] = now + timedelta(seconds=pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        WebhookDelivery.objects.filter(pk=delivery.pk).update(**changes)
        _note(webhook, accepted=answer.accepted, error=error, limit=config.disable_after)


def _note(webhook: Webhook, *, accepted: bool, error: str, limit: int) -> None:
    if accepted:
        webhook.failures = 0
        webhook.last_success_at = timezone.now()
    else:
        webhook.failures += 1
        if webhook.enabled and webhook.failures >= limit:
            webhook.enabled = False
            webhook.disabled_reason = (
                f"Switched off after {webhook.failures} failed tries in a row; the last one: {error}"
            )[:2000]
            log.warning("webhook %s was switched off: %s", webhook.title, error)
    webhook.save(update_fields=["failures", "last_success_at", "enabled", "disabled_reason"])
