"""Write down that something happened, in the transaction that made it happen."""

from __future__ import annotations

import fnmatch
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson
from django.db import connection, transaction

from callboard.core.auth.principal import principal
from callboard.core.events.models import Delivery, OutboxEvent, Webhook, WebhookDelivery
from callboard.core.registry.contract import EventType, Subscriber
from callboard.core.registry.store import registry
from callboard.lib.nearest import did_you_mean

CHANNEL = "callboard_events"
"""What a worker listens to; it is woken when the publishing transaction commits."""

PAYLOAD_BYTES = 1_000_000
"""An event is news, not a document: whoever wants more asks for it by the ref in the payload."""


class EventError(ValueError):
    """An event that cannot be published; the message names the event, the place and the remedy."""


def publish(event_id: str, payload: dict[str, Any]) -> int:
    """Announce that ``event_id`` (``catalog.location-registered``) happened; answer the event's number.

    Whoever subscribes is told after the caller's transaction commits, and never if it does not.
    Raises :class:`EventError` for an event that no plugin declares and for a payload that its schema
    refuses.
    """
    event_type = registry.find(EventType, event_id)
    if event_type is None:
        known = [item.id for _, item in registry.every(EventType)]
        hint = did_you_mean(event_id, known)
        raise EventError(
            f"no plugin that is switched on declares an event called {event_id!r}; "
            f"contribute an EventType with this id. {hint}".rstrip()
        )
    _check(event_type, payload)
    subscribers = [item.id for item in registry.of(Subscriber) if fnmatch.fnmatchcase(event_id, item.event)]
    with transaction.atomic():
        event = OutboxEvent.objects.create(event=event_id, payload=payload, actor=principal().ref[:300])
        if subscribers:
            Delivery.objects.bulk_create([Delivery(event=event, subscriber=name) for name in subscribers])
        webhooks = [
            pk
            for pk, globs in Webhook.objects.filter(enabled=True).values_list("pk", "events")
            if any(fnmatch.fnmatchcase(event_id, pattern) for pattern in globs)
        ]
        if webhooks:
            WebhookDelivery.objects.bulk_create([WebhookDelivery(event=event, webhook_id=pk) for pk in webhooks])
        if subscribers or webhooks:
            wake()
    return event.pk


def wake() -> None:
    """Let the workers look for deliveries as soon as this transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def _check(event_type: EventType, payload: dict[str, Any]) -> None:
    try:
        size = len(orjson.dumps(payload))
    except (TypeError, orjson.JSONEncodeError) as error:
        raise EventError(f"the payload of {event_type.id} is not plain JSON: {error}") from error
    if size > PAYLOAD_BYTES:
        raise EventError(
            f"the payload of {event_type.id} has {size} bytes, more than {PAYLOAD_BYTES}; "
            "send refs instead of whole objects"
        )
    try:
        _validator(orjson.dumps(event_type.schema, option=orjson.OPT_SORT_KEYS)).validate(payload)
    except jsonschema_rs.ValidationError as error:
        place = "/" + "/".join(str(part) for part in error.instance_path)
        raise EventError(f"the payload of {event_type.id} is wrong at {place}: {error.message}") from error


@lru_cache(maxsize=512)
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(orjson.loads(schema))
    except ValueError as error:
        raise EventError(f"the schema of the event cannot be used: {error}") from error
