"""Jobs of the sign-in room."""

from __future__ import annotations

from typing import Any

from callboard.plugins.signin.services.entering import forget_outcomes
from callboard.sdk.auth import forget_ended_sessions


def tidy(context: Any) -> None:
    """Remove old refusals, and sessions that have ended."""
    context.log(f"{forget_outcomes()} refused sign-ins removed")
    context.log(f"{forget_ended_sessions()} ended sessions removed")
