"""Accounts: who can sign in, new ones, switching them off."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from callboard.plugins.portal.selectors import users_found
from callboard.plugins.portal.services import accounts
from callboard.sdk.auth import AccountError, User
from callboard.sdk.permissions import require
from callboard.sdk.ui import offset_page, render, toast

PAGE_SIZE = 50


@require_http_methods(["GET", "POST"])
@never_cache
def user_list(request: HttpRequest) -> HttpResponse:
    """List the accounts and create one; a link to choose the password is on the page that answers."""
    require("admin.users.manage")
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        values = {name: request.POST.get(name, "").strip() for name in ("username", "email", "name")}
        administrator = request.POST.get("administrator") == "on"
        try:
            user, secret = accounts.create_user(**values, administrator=administrator)
            context |= {"created": user, "link": _link(request, secret or "")}
        except AccountError as error:
            field = error.field if error.field in values else "username"
            context |= {"values": values, "administrator": administrator, "errors": {field: str(error)}}
            status = 422
    text = request.GET.get("text", "").replace("\0", "").strip()[:200]
    page = offset_page(request, users_found(text), size=PAGE_SIZE)
    context |= {"page": page, "text": text}
    return render(request, "portal/users.html", context, status=status)


@require_POST
@never_cache
def user_action(request: HttpRequest, user_id: int, action: str) -> HttpResponse:
    """Switch an account on or off, grant or withdraw administration, or make a password link."""
    require("admin.users.manage")
    try:
        if action == "password-link":
            user, secret = accounts.make_password_link(user_id)
            context = {"page": offset_page(request, users_found(user.username)), "text": user.username}
            context |= {"created": user, "link": _link(request, secret), "again": True}
            return render(request, "portal/users.html", context)
        _do(user_id, action)
        toast(request, _("Saved."))
    except AccountError as error:
        toast(request, str(error), "danger")
    return redirect("users")


def _do(user_id: int, action: str) -> User:
    if action in {"enable", "disable"}:
        return accounts.switch_user(user_id, active=action == "enable")
    if action in {"grant", "withdraw"}:
        return accounts.make_administrator(user_id, administrator=action == "grant")
    raise Http404


def _link(request: HttpRequest, secret: str) -> str:
    return request.build_absolute_uri(f"{reverse('setup')}?token={secret}")
