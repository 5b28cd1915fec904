"""Service accounts: programs with a name, an owner, tokens with scopes and an end."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from callboard.lib.refs import EntityRef, RefError
from callboard.sdk import auth
from callboard.sdk.audit import record
from callboard.sdk.auth import PLAIN_SCOPES, AccountError, ApiToken, User
from callboard.sdk.contributions import Permission
from callboard.sdk.events import publish
from callboard.sdk.permissions import require
from callboard.sdk.plugins import contributions

MANAGE = "admin.service-accounts.manage"


def create_service_account(name: str, *, title: str = "", description: str = "", owner: str = "") -> User:
    """Create an account for a program."""
    require(MANAGE)
    owner = _owner(owner)
    with transaction.atomic():
        user = auth.create_service_account(name.strip(), title=title, description=description, owner_ref=owner)
        record("signin.service-account.create", f"account:{user.username}", {"owner": owner})
        publish("portal.user-changed", {"username": user.username, "change": "created"})
    return user


def switch_service_account(user_id: int, *, active: bool) -> User:
    """Let a program in, or keep it out; its tokens stop at once."""
    require(MANAGE)
    with transaction.atomic():
        user = _locked(user_id)
        auth.set_active(user, active)
        action = "signin.service-account.enable" if active else "signin.service-account.disable"
        record(action, f"account:{user.username}")
        publish("portal.user-changed", {"username": user.username, "change": "enabled" if active else "disabled"})
    return user


def remove_service_account(user_id: int) -> str:
    """Remove a program's account and its tokens; answer its name."""
    require(MANAGE)
    with transaction.atomic():
        user = _locked(user_id)
        name = user.username
        auth.set_active(user, False)
        user.delete()
        record("signin.service-account.remove", f"account:{name}")
        publish("portal.user-changed", {"username": name, "change": "removed"})
    return name


def create_service_token(
    user_id: int, name: str, scopes: Iterable[str], expires_days: int | None
) -> tuple[ApiToken, str]:
    """Create a token of a service account; answer it with its secret, which is shown this once."""
    require(MANAGE)
    wanted = list(dict.fromkeys(scopes))
    known = {*PLAIN_SCOPES, *(permission.id for permission in contributions(Permission))}
    for scope in wanted:
        if scope not in known:
            raise AccountError(_("There is no scope %(scope)s.") % {"scope": scope[:100]}, "scopes")
    if any(scope == "admin" or scope.startswith("admin.") for scope in wanted):
        require("admin.tokens.manage")
    with transaction.atomic():
        user = _locked(user_id)
        if not user.is_active:
            raise AccountError(_("Switch the account on first."))
        token, secret = auth.create_token(name, wanted, expires_days, user)
        details = {"name": token.name, "subject": token.subject, "scopes": wanted, "days": expires_days}
        record("portal.token.create", f"token:{token.pk}", details)
        publish("portal.token-changed", {"id": str(token.pk), "subject": token.subject, "change": "created"})
    return token, secret


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id, is_service=True).first()
    if user is None:
        raise AccountError(_("There is no such service account."))
    return user


def _owner(text: str) -> str:
    if not text.strip():
        raise AccountError(_("Say who answers for it, such as group:default/platform."), "owner")
    try:
        return str(EntityRef.parse(text.strip(), default_kind="group"))
    except RefError:
        raise AccountError(_("This is no reference; write it like group:default/platform."), "owner") from None
