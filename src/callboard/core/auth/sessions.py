"""The sessions of people: where they are, when they were last seen, and how one alone is ended."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from callboard.core.auth.models import User, UserSession
from callboard.core.auth.throttle import client_ip

SEEN_SECONDS = 60.0
PROVIDER_KEY = "callboard_provider"
_LIMIT = 20_000

_seen: dict[str, float] = {}
_lock = threading.Lock()


def note_session(request: HttpRequest, user: User) -> None:
    """Note that a person's session was seen, once a minute at most."""
    key = request.session.session_key
    if not key:
        return
    now = time.monotonic()
    if _seen.get(key, 0.0) > now:
        return
    with _lock:
        if len(_seen) >= _LIMIT:
            _seen.clear()
        _seen[key] = now + SEEN_SECONDS
    values = {
        "address": client_ip(request)[:64],
        "user_agent": request.headers.get("User-Agent", "")[:300],
        "last_seen_at": timezone.now(),
    }
    if UserSession.objects.filter(key=key, user=user).update(**values):
        return
    # A browser in which somebody else is now keeps its key no longer than the sign-in; still, whose row it is counts.
    UserSession.objects.filter(key=key).delete()
    try:
        with transaction.atomic():
            provider = str(request.session.get(PROVIDER_KEY, ""))[:200]
            UserSession.objects.create(key=key, user=user, provider=provider, **values)
    except IntegrityError:
        return  # another request of the same browser was quicker


def sessions_of(user: User) -> QuerySet[UserSession]:
    """Answer the sessions of an account that still exist, the last seen first."""
    alive = Session.objects.filter(session_key=OuterRef("key"), expire_date__gt=timezone.now())
    return UserSession.objects.filter(Exists(alive), user=user)


def end_session(user: User, public_id: uuid.UUID) -> UserSession | None:
    """End one session of an account; answer it, or nothing if the account has no such session."""
    found = UserSession.objects.filter(user=user, public_id=public_id).first()
    if found is not None:
        Session.objects.filter(session_key=found.key).delete()
        found.delete()
    return found


def forget_ended_sessions() -> int:
    """Remove sessions that have ended, and what was noted of them."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    alive = Session.objects.filter(session_key=OuterRef("key"))
    old = timezone.now() - timedelta(minutes=5)  # one that is being saved right now has no row yet
    return UserSession.objects.filter(~Exists(alive), created_at__lt=old).delete()[0]


def forget_seen() -> None:
    """Note every session anew at its next request."""
    with _lock:
        _seen.clear()
