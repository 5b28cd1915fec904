"""Jobs of the sign-in room."""

from __future__ import annotations

from typing import Any

from callboard.plugins.signin.services import scim
from callboard.plugins.signin.services.entering import forget_outcomes
from callboard.sdk.auth import forget_ended_sessions
from callboard.sdk.jobs import start


def tidy(context: Any) -> None:
    """Remove old refusals, and sessions that have ended."""
    context.log(f"{forget_outcomes()} refused sign-ins removed")
    context.log(f"{forget_ended_sessions()} ended sessions removed")


def scim_sync(context: Any) -> None:
    """Bring what was pushed into the catalog; many pushes that come together are one run."""
    start("catalog.provide", title="People and groups pushed by SCIM", provider=scim.PROVIDER)
    context.log("the catalog is being brought up to date")
