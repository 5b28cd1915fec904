"""What other rooms may use of sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from callboard.plugins.signin.selectors import grants_of, providers, signin_settings
from callboard.plugins.signin.services.entering import RefusedSignInError
from callboard.plugins.signin.services.letting_in import REFUSED_KEY, remember_refusal, sign_in_by_proxy


@dataclass(frozen=True)
class WayIn:
    """A button of the sign-in page."""

    title: str
    icon: str
    url: str


def ways_in(next_url: str = "") -> list[WayIn]:
    """Answer the buttons of the sign-in page: providers that people are sent to."""
    query = f"?{urlencode({'next': next_url})}" if next_url else ""
    away = [provider for provider in providers() if provider.kind in {"oidc", "oauth", "saml"}]
    return [WayIn(p.title, p.type.icon, f"/api/auth/{p.id}/start{query}") for p in away]


def form_wanted() -> bool:
    """Whether the sign-in page asks for a name and a password: the portal's own, or a directory's."""
    return signin_settings().password or any(provider.kind == "ldap" for provider in providers())


def passwords_allowed() -> bool:
    """Whether accounts of the portal itself may be signed in to with their password."""
    return signin_settings().password


__all__ = [
    "REFUSED_KEY",
    "RefusedSignInError",
    "WayIn",
    "form_wanted",
    "grants_of",
    "passwords_allowed",
    "remember_refusal",
    "sign_in_by_proxy",
    "ways_in",
]
