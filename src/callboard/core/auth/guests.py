"""Let visitors of a demo look around: they read, and change nothing."""

from __future__ import annotations

from django.http import HttpRequest

from callboard.core.auth.principal import Principal
from callboard.core.config.current import portal_config

SESSION_KEY = "callboard_guest"
GUEST = Principal("guest", "user:development/guest", "Guest", ("user:development/guest",))


def guests_welcome() -> bool:
    """Whether anybody may look around: in demo mode, or because the operator says so."""
    config = portal_config()
    return config.demo or config.auth.guest_without_demo


def start_guest_session(request: HttpRequest) -> None:
    """Let this browser look around; whatever session it had is gone."""
    request.session.flush()
    request.session[SESSION_KEY] = True


def is_guest(request: HttpRequest) -> bool:
    """Whether this browser looks around as a guest, and still may."""
    return bool(request.session.get(SESSION_KEY)) and guests_welcome()
