"""Service accounts: programs with a name of their own."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from callboard.plugins.signin import selectors
from callboard.plugins.signin.services import accounts, programs
from callboard.sdk.auth import PLAIN_SCOPES, AccountError, User, list_tokens, principal
from callboard.sdk.permissions import require
from callboard.sdk.ui import offset_page, render, toast

LIFETIMES = (7, 30, 90, 365)


@require_http_methods(["GET", "POST"])
def account_list(request: HttpRequest) -> HttpResponse:
    """List service accounts, and make one."""
    require(accounts.MANAGE)
    errors: dict[str, str] = {}
    values = {name: request.POST.get(name, "") for name in ("name", "title", "description", "owner")}
    if request.method == "POST":
        try:
            user = accounts.create_service_account(**values)
            toast(request, _("The service account is created. Give it a token."))
            return redirect("signin-account", user_id=user.pk)
        except AccountError as error:
            errors = {"name" if error.field in {"", "username"} else error.field: str(error)}
    page = offset_page(request, selectors.service_accounts())
    context = {"page": page, "errors": errors, "values": values}
    return render(request, "signin/accounts.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "POST"])
@never_cache
def account_detail(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show a service account with its tokens, and make one; the secret is on the page that answers alone."""
    require(accounts.MANAGE)
    user = selectors.service_account_of(user_id)
    if user is None:
        raise Http404
    context: dict[str, Any] = {"account": user, "lifetimes": LIFETIMES, "chosen_scopes": ["read"], "days": "90"}
    status = 200
    if request.method == "POST":
        name, scopes = request.POST.get("name", ""), request.POST.getlist("scopes")
        days = request.POST.get("expires_days", "")
        try:
            lifetime = None if days == "never" else _days(days)
            token, secret = accounts.create_service_token(user_id, name, scopes, lifetime)
            context |= {"created": token, "secret": secret}
        except AccountError as error:
            context |= {"errors": {error.field or "name": str(error)}, "name": name, "chosen_scopes": scopes}
            context["days"] = days
            status = 422
    context["tokens"] = list_tokens(user)
    context["scopes"] = PLAIN_SCOPES if principal().administrator else PLAIN_SCOPES[:2]
    return render(request, "signin/account.html", context, status=status)


@require_POST
def account_action(request: HttpRequest, user_id: int, action: str) -> HttpResponse:
    """Switch a service account on or off, or remove it."""
    try:
        if action in {"enable", "disable"}:
            accounts.switch_service_account(user_id, active=action == "enable")
        elif action == "remove":
            name = accounts.remove_service_account(user_id)
            toast(request, _("%(name)s is removed.") % {"name": name})
            return redirect("signin-accounts")
        else:
            raise Http404
    except AccountError as error:
        toast(request, str(error), "danger")
        return redirect("signin-accounts")
    return redirect("signin-account", user_id=user_id)


@require_POST
def grant_stop(request: HttpRequest, grant_id: Any) -> HttpResponse:
    """End what the person allowed a program."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    programs.stop_grant(grant_id, user)
    toast(request, _("The program is no longer allowed."))
    return redirect("settings-account")


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise AccountError(_("Choose how long the token lives."), "expires_days")
    return int(text)
