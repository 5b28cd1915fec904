"""Note who signs in, who signs out and who tries in vain."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from callboard.plugins.portal.services.accounts import target
from callboard.sdk import auth
from callboard.sdk.audit import record
from callboard.sdk.auth import User


@receiver(user_logged_in, dispatch_uid="portal.signed-in")
def note_sign_in(user: User, request: HttpRequest | None = None, **_more: Any) -> None:
    """Write down a sign-in, as the person who is in now."""
    now = auth.acting()
    with auth.act_as(auth.principal_of(user), now.door, now.request_id):
        record("portal.session.start", target(user), _from(request))


@receiver(user_logged_out, dispatch_uid="portal.signed-out")
def note_sign_out(user: User | None, request: HttpRequest | None = None, **_more: Any) -> None:
    """Write down a sign-out."""
    if user is not None:
        record("portal.session.end", target(user), _from(request))


@receiver(user_login_failed, dispatch_uid="portal.sign-in-failed")
def note_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_more: Any) -> None:
    """Write down a failed sign-in.

    What was typed is kept only where an account has that name, because people now and then type their
    password into the wrong field.
    """
    typed = str(credentials.get("username") or credentials.get("email") or "")
    known = User.objects.filter(username__iexact=typed).first() or (
        User.objects.filter(email__iexact=typed).first() if typed else None
    )
    record(
        "portal.session.start",
        target(known) if known else "account:unknown",
        _from(request),
        outcome="failed",
    )


def _from(request: HttpRequest | None) -> dict[str, str]:
    return {"address": auth.client_ip(request)} if request is not None else {}
