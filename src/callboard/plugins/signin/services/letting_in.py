"""Turn a person whom a provider vouched for into a signed-in browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from callboard.plugins.signin.clients.proxies import has_header, is_trusted, vouched_by_proxy
from callboard.plugins.signin.models import Outcome
from callboard.plugins.signin.selectors import allowed_hosts, provider_of, providers
from callboard.plugins.signin.services.entering import RefusedSignInError, admit, note_failure
from callboard.plugins.signin.types import Provider, ProviderFailedError, Vouched
from callboard.sdk.auth import PROVIDER_KEY, User, client_ip
from callboard.sdk.config import portal_config

REFUSED_KEY = "callboard_refused"
PROXY_UID_KEY = "callboard_proxy_uid"


def let_in(request: HttpRequest, provider: Provider, who: Vouched, user: User, next_url: str) -> HttpResponse:
    """Sign the account in, asking for its second factor if it has one; the session begins anew."""
    if request.user.is_authenticated:
        logout(request)
    request.session[PROVIDER_KEY] = provider.id
    if provider.kind == "proxy":
        request.session[PROXY_UID_KEY] = who.uid
    record_authentication(request, user, "socialaccount", provider=provider.id, uid=who.uid)
    answer = perform_login(request, user, email_verification="none", redirect_url=safe_path(request, next_url) or "/")
    return cast("HttpResponse", answer)


def remember_refusal(request: HttpRequest, outcome: Outcome) -> None:
    """Let this browser, and no other, see why it was not let in."""
    request.session[REFUSED_KEY] = str(outcome.pk)


def safe_path(request: HttpRequest, target: str) -> str:
    """Answer where to go afterwards, if that is a page of this portal."""
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe else ""


# --- Proxies ----------------------------------------------------------------------


def proxy_in_front(headers: Mapping[str, str], peer: str) -> Provider | None:
    """Answer the proxy whose header a request carries, if it comes from an address that is believed."""
    if not is_trusted(peer, portal_config().server.trusted_proxies):
        return None
    return next((p for p in providers() if p.kind == "proxy" and has_header(p, headers)), None)


def admit_by_proxy(request: HttpRequest) -> tuple[Provider, Vouched, User] | None:
    """Answer the account of whom the proxy vouches for, or nothing where there is no proxy.

    Raises :class:`RefusedSignInError`, also where the proxy's word is not good.
    """
    provider = proxy_in_front(request.headers, request.META.get("REMOTE_ADDR", ""))
    if provider is None:
        return None
    address = client_ip(request)
    try:
        who = vouched_by_proxy(provider, request.headers, allowed_hosts())
    except ProviderFailedError as error:
        raise RefusedSignInError(note_failure(provider.id, "proxy", str(error), address)) from error
    return provider, who, admit(provider, who, address)


def sign_in_by_proxy(request: HttpRequest, next_url: str) -> HttpResponse | None:
    """Sign in whom the proxy vouches for; nothing where there is no proxy. Raises :class:`RefusedSignInError`."""
    found = admit_by_proxy(request)
    if found is None:
        return None
    provider, who, user = found
    return let_in(request, provider, who, user, next_url)


def still_vouched_for(request: HttpRequest) -> bool:
    """Whether the proxy still names the person this session began with; others have sessions of their own."""
    uid = request.session.get(PROXY_UID_KEY)
    if uid is None:
        return True
    provider = provider_of(str(request.session.get(PROVIDER_KEY, "")))
    if provider is None or not is_trusted(request.META.get("REMOTE_ADDR", ""), portal_config().server.trusted_proxies):
        return False
    try:
        return vouched_by_proxy(provider, request.headers, allowed_hosts()).uid == uid
    except ProviderFailedError:
        return False
