"""Away to a provider and back: what the portal sends along, and what it believes of the answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.sessions.backends.db import SessionStore
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from callboard.plugins.signin.selectors import allowed_hosts, callback_url, metadata_url, provider_of
from callboard.plugins.signin.services.entering import RefusedSignInError, admit, note_failure, try_out, use_once
from callboard.plugins.signin.services.letting_in import let_in, remember_refusal, safe_path
from callboard.plugins.signin.types import Provider, ProviderFailedError, Vouched
from callboard.sdk.auth import attempt, client_ip
from callboard.sdk.permissions import require

MANAGE = "admin.signin.manage"
STARTS_PER_MINUTE = 60
ANSWER_SECONDS = 300
MAX_ANSWER = 400_000
_STASH = "callboard_saml"


def start(request: HttpRequest, provider_id: str, *, test: bool = False) -> HttpResponse:
    """Send the person to the provider."""
    provider = _known(provider_id, test=test)
    if not attempt(f"sign-in start ip {client_ip(request)}", STARTS_PER_MINUTE, 60):
        return _not_begun_here()
    next_url = safe_path(request, request.GET.get("next", ""))
    if provider.kind in {"ldap", "proxy"}:
        return redirect(f"/sign-in?{urlencode({'next': next_url})}" if next_url else "/sign-in")
    try:
        if provider.kind == "saml":
            return _saml_start(request, provider, next_url, test=test)
        return _oauth_start(request, provider, next_url, test=test)
    except ProviderFailedError as error:
        return _failed(request, provider.id, str(error), test=test)


def _oauth_start(request: HttpRequest, provider: Provider, next_url: str, *, test: bool) -> HttpResponse:
    from callboard.plugins.signin.clients import oauth  # noqa: PLC0415 - loads requests and allauth's providers

    portal = oauth.allauth_provider(request, provider, callback_url(provider.id), allowed_hosts())
    try:
        return oauth.send_away(request, portal, next_url, test=test)
    except oauth.FAILURES as error:
        raise ProviderFailedError(_said(error)) from error


def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the person back: check what the provider says, and let them in or not."""
    provider = provider_of(provider_id, enabled_only=False)
    if provider is None or provider.kind not in {"oidc", "oauth", "saml"}:
        raise Http404
    if provider.kind == "saml":
        return _saml_finish(request, provider)
    from callboard.plugins.signin.clients import oauth  # noqa: PLC0415 - loads requests and allauth's providers

    state = oauth.take_state(request, provider.id)
    if state is None:
        return _not_begun_here()
    test = bool(state.get("test"))
    if "error" in request.GET:
        return _provider_refused(request, provider, test=test)
    portal = oauth.allauth_provider(request, provider, callback_url(provider.id), allowed_hosts())
    try:
        login = oauth.come_back(request, portal, state)
        who = oauth.vouched(login, provider.settings.groups_claim)
    except oauth.FAILURES as error:
        return _failed(request, provider.id, _said(error), test=test)
    return _finish(request, provider, who, str(state.get("next") or ""), test=test)


def _provider_refused(request: HttpRequest, provider: Provider, *, test: bool) -> HttpResponse:
    code = request.GET.get("error", "")[:100]
    if code == "access_denied" and not test:
        messages.info(request, _("The sign-in was cancelled."))
        return redirect("sign-in")
    detail = f"{code}: {request.GET.get('error_description', '')[:500]}"
    outcome = note_failure(provider.id, "provider-refused", detail, client_ip(request), test=test)
    return _after_refusal(request, outcome, test=test)


def _finish(request: HttpRequest, provider: Provider, who: Vouched, next_url: str, *, test: bool) -> HttpResponse:
    address = client_ip(request)
    if test:
        require(MANAGE)
        return redirect("signin-outcome", outcome_id=try_out(provider, who, address).pk)
    if not provider.enabled:
        raise Http404
    try:
        user = admit(provider, who, address)
    except RefusedSignInError as refused:
        return _after_refusal(request, refused.outcome, test=False)
    return let_in(request, provider, who, user, next_url)


def _failed(request: HttpRequest, provider_id: str, problem: str, *, test: bool) -> HttpResponse:
    outcome = note_failure(provider_id, "provider-failed", problem, client_ip(request), test=test)
    return _after_refusal(request, outcome, test=test)


def _after_refusal(request: HttpRequest, outcome: Any, *, test: bool) -> HttpResponse:
    if test:
        require(MANAGE)
        return redirect("signin-outcome", outcome_id=outcome.pk)
    remember_refusal(request, outcome)
    return redirect("signin-refused")


def _known(provider_id: str, *, test: bool = False) -> Provider:
    provider = provider_of(provider_id, enabled_only=not test)
    if provider is None:
        raise Http404
    return provider


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1500]


# --- SAML ---------------------------------------------------------------------------------


def _saml_start(request: HttpRequest, provider: Provider, next_url: str, *, test: bool) -> HttpResponse:
    from allauth.socialaccount.internal import statekit  # noqa: PLC0415 - beside its use

    from callboard.plugins.signin.clients.saml import request_for  # noqa: PLC0415 - loads the SAML library

    address, request_id = request_for(provider, callback_url(provider.id), metadata_url(provider.id))
    state = {"next": next_url, "test": test, "request": request_id}
    statekit.stash_state(request, provider_id=provider.id, state=state, state_id=request_id)
    request.session[_STASH] = request_id
    return redirect(address)


def saml_answer(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Keep the answer for a moment, and come back with it.

    The form comes from another site, so the browser does not send the session along; the redirect does.
    """
    provider = _saml_provider(provider_id)
    answer = request.POST.get("SAMLResponse", "")
    if not answer or len(answer) > MAX_ANSWER:
        return _not_begun_here()
    if not attempt(f"sign-in saml ip {client_ip(request)}", STARTS_PER_MINUTE, 60):
        return _not_begun_here()
    kept = SessionStore()
    kept["saml"] = answer
    kept["provider"] = provider.id
    kept.set_expiry(ANSWER_SECONDS)
    kept.create()
    return redirect(f"{callback_url(provider.id)}?{urlencode({'answer': kept.session_key or ''})}")


def _saml_finish(request: HttpRequest, provider: Provider) -> HttpResponse:
    from allauth.socialaccount.internal import statekit  # noqa: PLC0415 - beside its use

    from callboard.plugins.signin.clients.saml import vouched_by_response  # noqa: PLC0415 - loads the SAML library

    kept = SessionStore(request.GET.get("answer", ""))
    answer, of_provider = kept.get("saml"), kept.get("provider")
    kept.delete()
    request_id = request.session.pop(_STASH, "")
    state = statekit.unstash_state(request, provider_id=provider.id, state_id=request_id) if request_id else None
    if not answer or of_provider != provider.id or state is None:
        return _not_begun_here()
    test = bool(state.get("test"))
    try:
        who, assertion, until = vouched_by_response(
            provider, callback_url(provider.id), metadata_url(provider.id), answer, request_id
        )
        if not use_once(f"saml {provider.id}", assertion, until):
            raise ProviderFailedError("the assertion was used already")  # noqa: TRY301 - told like the others
    except ProviderFailedError as error:
        return _failed(request, provider.id, str(error), test=test)
    return _finish(request, provider, who, str(state.get("next") or ""), test=test)


def saml_metadata(provider_id: str) -> HttpResponse:
    """Answer what the administrator of a SAML provider enters there."""
    from callboard.plugins.signin.clients.saml import metadata  # noqa: PLC0415 - loads the SAML library

    provider = _saml_provider(provider_id)
    text = metadata(provider, callback_url(provider.id), metadata_url(provider.id))
    return HttpResponse(text, content_type="application/samlmetadata+xml")


def _saml_provider(provider_id: str) -> Provider:
    provider = _known(provider_id, test=True)
    if provider.kind != "saml":
        raise Http404
    return provider


def _not_begun_here() -> HttpResponse:
    # Nothing is kept of these: anybody can ask for them as often as they like.
    return redirect("/sign-in/refused?reason=state")
