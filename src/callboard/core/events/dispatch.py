"""Bring events to the subscribers of plugins: in order, at least once, each subscriber for itself."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F, Min
from django.utils import timezone

from callboard.core.auth.principal import SYSTEM, act_as
from callboard.core.events.models import Delivery
from callboard.core.registry.contract import Subscriber
from callboard.core.registry.store import registry

log = logging.getLogger(__name__)

LOCKS = 0x63620003
"""First half of the advisory locks of subscribers; the second is a hash of the subscriber's id."""
ATTEMPTS = 8
BACKOFF_SECONDS = 1.0
BACKOFF_CAP = 300.0
TURN = 200
"""Deliveries of one subscriber before the others get the thread."""


def waiting_subscribers() -> list[str]:
    """Answer the subscribers whose next event is due, of plugins that are on.

    A plugin that is off keeps its deliveries; it gets them when it is on again.
    """
    on = {item.id for item in registry.of(Subscriber)}
    if not on:
        return []
    heads = (
        Delivery.objects.filter(state=Delivery.State.PENDING, subscriber__in=on)
        .values("subscriber")
        .annotate(head=Min("pk"))
        .values_list("head", flat=True)
    )
    now = timezone.now()
    return [
        name
        for name, next_at in Delivery.objects.filter(pk__in=list(heads)).values_list("subscriber", "next_at")
        if next_at is None or next_at <= now
    ]


def deliver(subscriber: str) -> int:
    """Hand a subscriber what waits for it, in order, until one fails; answer how many were handled.

    Only one worker at a time serves a subscriber. The handler's changes and the note that it is done
    are one transaction, so a handler that only writes to the database has its effect exactly once.
    """
    item = registry.find(Subscriber, subscriber)
    if item is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LOCKS, subscriber])
        if not cursor.fetchone()[0]:
            return 0
    handled = 0
    try:
        while handled < TURN and _deliver_next(item):
            handled += 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCKS, subscriber])
    return handled


def _deliver_next(item: Subscriber) -> bool:
    # Numbers of deliveries, like all sequences, become visible out of order: one whose transaction
    # commits late is handled late, after younger ones, but it is never passed over, since every
    # pending row is looked at and not only those behind the last number seen.
    delivery = (
        Delivery.objects.filter(subscriber=item.id, state=Delivery.State.PENDING)
        .select_related("event")
        .order_by("pk")
        .first()
    )
    now = timezone.now()
    if delivery is None or (delivery.next_at is not None and delivery.next_at > now):
        return False
    if delivery.attempts >= ATTEMPTS:
        _bury(delivery, delivery.error or "the worker ended each time while it was handled")
        return True
    # Counted before it is tried, so that an event that kills the worker is given up as well.
    pause = min(BACKOFF_CAP, BACKOFF_SECONDS * 2**delivery.attempts)
    Delivery.objects.filter(pk=delivery.pk).update(attempts=F("attempts") + 1, next_at=now + timedelta(seconds=pause))
    delivery.attempts += 1
    try:
        with transaction.atomic():
            with act_as(SYSTEM, "job", request_id=str(delivery.event.uid)), registry.guard(item):
                item.handle(delivery.event.payload)
            Delivery.objects.filter(pk=delivery.pk).update(
                state=Delivery.State.DONE, finished_at=timezone.now(), next_at=None, error="", traceback=""
            )
    except Exception as error:  # noqa: BLE001 - one subscriber's failure must not reach the others
        message = (str(error).strip() or type(error).__name__)[:4000].replace("\x00", "�")
        trace = traceback.format_exc()[-20_000:].replace("\x00", "�")
        if delivery.attempts >= ATTEMPTS:
            _bury(delivery, message, trace)
            return True
        Delivery.objects.filter(pk=delivery.pk).update(
            error=message, traceback=trace, next_at=timezone.now() + timedelta(seconds=pause)
        )
        return False
    return True


def _bury(delivery: Delivery, error: str, trace: str = "") -> None:
    log.warning("event %s is a dead letter for %s: %s", delivery.event_id, delivery.subscriber, error)
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.DEAD, finished_at=timezone.now(), next_at=None, error=error, traceback=trace
    )
