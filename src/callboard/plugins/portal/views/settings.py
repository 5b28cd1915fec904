"""Settings of a person: profile, account, appearance, API tokens."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.portal import selectors
from callboard.plugins.portal.services import accounts, tokens
from callboard.plugins.signin.public import grants_of
from callboard.sdk.auth import PLAIN_SCOPES, THEMES, AccountError, User, list_tokens, person_of, principal
from callboard.sdk.permissions import require
from callboard.sdk.ui import render, toast

THEME_COOKIE = "callboard_theme"
LIFETIMES = (7, 30, 90, 365)


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show who the person is to the portal, and let them change their name."""
    user = _owner(request)
    if request.method == "POST":
        accounts.change_own_profile(user, request.POST.get("name", ""))
        toast(request, _("Saved."))
        return redirect("settings")
    person = person_of(user)
    context = {
        "person": person,
        "entity": _link(person.ref),
        "groups": [_link(ref) for ref in person.ownership_refs if ref != person.ref],
    }
    return _page(request, "profile", context)


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
def account(request: HttpRequest) -> HttpResponse:
    """Let the person change the password, see second factors and end other sessions."""
    user = _owner(request)
    context = {
        "two_factor": selectors.has_authenticator_app(user),
        "keys": selectors.security_keys(user),
        "sessions": selectors.session_rows(user, request.session.session_key or ""),
        "grants": grants_of(user),
    }
    if request.method != "POST":
        return _page(request, "account", context)
    old, new = request.POST.get("old_password", ""), request.POST.get("password", "")
    try:
        accounts.same_twice(new, request.POST.get("password_again", ""))
        accounts.change_own_password(user, old, new)
    except AccountError as error:
        errors = {error.field or "password": str(error)}
        return _page(request, "account", {**context, "errors": errors}, status=422)
    update_session_auth_hash(request, user)
    toast(request, _("Your password is changed, and all other sessions are signed out."))
    return redirect("settings-account")


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign the person out everywhere but here."""
    user = _owner(request)
    accounts.sign_out_everywhere(user)
    update_session_auth_hash(request, user)
    toast(request, _("All other sessions are signed out."))
    return redirect("settings-account")


@require_POST
def end_session(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Sign the person out in one place."""
    try:
        accounts.end_own_session(_owner(request), public_id)
        toast(request, _("That session is ended."))
    except AccountError as error:
        toast(request, str(error), "danger")
    return redirect("settings-account")


@require_http_methods(["GET", "POST"])
def appearance(request: HttpRequest) -> HttpResponse:
    """Let the person choose light, dark or whatever the device says."""
    user = _owner(request)
    if request.method == "POST":
        try:
            accounts.change_own_theme(user, request.POST.get("theme", ""))
        except AccountError as error:
            return _page(request, "appearance", {"themes": THEMES, "errors": {"theme": str(error)}}, status=422)
        toast(request, _("Saved."))
        response = redirect("settings-appearance")
        # What this browser chose earlier would otherwise win over the account.
        response.delete_cookie(THEME_COOKIE)
        return response
    return _page(request, "appearance", {"themes": THEMES})


@require_http_methods(["GET", "POST"])
@never_cache
def api_tokens(request: HttpRequest) -> HttpResponse:
    """List the person's tokens and create one; its secret is on the page that answers, and nowhere else."""
    user = _owner(request)
    context: dict[str, Any] = {"lifetimes": LIFETIMES, "chosen_scopes": ["read"], "days": "90"}
    status = 200
    if request.method == "POST":
        name, scopes = request.POST.get("name", ""), request.POST.getlist("scopes")
        days = request.POST.get("expires_days", "")
        try:
            token, secret = tokens.create_own_token(user, name, scopes, _days(days))
            context |= {"created": token, "secret": secret}
        except AccountError as error:
            context |= {"errors": {error.field or "name": str(error)}, "name": name, "chosen_scopes": scopes}
            context |= {"days": days}
            status = 422
    context["tokens"] = list_tokens(user)
    context["scopes"] = PLAIN_SCOPES if principal().administrator else PLAIN_SCOPES[:2]
    return _page(request, "tokens", context, status=status)


@require_POST
def revoke_token(request: HttpRequest, token_id: str) -> HttpResponse:
    """Stop a token."""
    try:
        token = tokens.revoke_token(token_id)
        toast(request, _("The token %(name)s is revoked.") % {"name": token.name})
    except AccountError as error:
        toast(request, str(error), "danger")
    # A service account's page has the same button.
    back = request.GET.get("next", "")
    return redirect(back if back.startswith("/admin/service-accounts/") else "settings-tokens")


def _owner(request: HttpRequest) -> User:
    require("portal.settings.manage")
    return cast("User", request.user)


def _page(request: HttpRequest, slug: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, f"portal/settings_{slug}.html", context, status=status)


def _days(text: str) -> int | None:
    if text == "never":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise AccountError(_("Choose how long the token lives."), "expires_days")
    return int(text)


def _link(ref: str) -> dict[str, str]:
    try:
        entity = EntityRef.parse(ref)
    except RefError:
        return {"ref": ref, "url": ""}
    return {"ref": ref, "url": f"/catalog/{entity.namespace}/{entity.kind}/{entity.name}"}
