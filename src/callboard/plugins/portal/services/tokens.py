"""Create, rotate and revoke API tokens."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from callboard.sdk import auth
from callboard.sdk.audit import record
from callboard.sdk.auth import PLAIN_SCOPES, AccountError, ApiToken, User
from callboard.sdk.contributions import Permission
from callboard.sdk.events import publish
from callboard.sdk.permissions import require
from callboard.sdk.plugins import contributions


def create_own_token(user: User, name: str, scopes: Iterable[str], expires_days: int | None) -> tuple[ApiToken, str]:
    """Create a token that acts as the person who asks; answer it with its secret."""
    require("portal.settings.manage")
    wanted = _known_scopes(scopes)
    who = auth.principal()
    if who.user_id != user.pk:
        raise AccountError(_("A token for somebody else is made by an administrator."))
    if not who.administrator and any(s == "admin" or s.startswith("admin.") for s in wanted):
        raise AccountError(_("Only administrators can create a token for administration."), "scopes")
    return _create(name, wanted, expires_days, user)


def create_token(
    name: str, scopes: Iterable[str], expires_days: int | None, username: str = ""
) -> tuple[ApiToken, str]:
    """Create a token for a program, or for the account called ``username``; answer it with its secret."""
    require("admin.tokens.manage")
    user = None
    if username:
        user = User.objects.filter(username__iexact=username, is_active=True).first()
        if user is None:
            raise AccountError(_("There is no account called %(name)s.") % {"name": username}, "username")
    return _create(name, _known_scopes(scopes), expires_days, user)


def revoke_token(token_id: uuid.UUID | str) -> ApiToken:
    """Stop a token: one's own, or as an administrator any."""
    with transaction.atomic():
        token = _own_or_administered(token_id)
        auth.revoke_token(token)
        record("portal.token.revoke", target(token), {"name": token.name, "subject": token.subject})
        _announce(token, "revoked")
    return token


def rotate_token(token_id: uuid.UUID | str) -> tuple[ApiToken, str]:
    """Give a token a new secret; the old one stops."""
    with transaction.atomic():
        token, secret = auth.rotate(_own_or_administered(token_id))
        record("portal.token.rotate", target(token), {"name": token.name, "subject": token.subject})
        _announce(token, "rotated")
    return token, secret


def target(token: ApiToken) -> str:
    """Answer how the audit record names a token."""
    return f"token:{token.pk}"


def _announce(token: ApiToken, change: str) -> None:
    publish("portal.token-changed", {"id": str(token.pk), "subject": token.subject, "change": change})


def _create(name: str, scopes: list[str], expires_days: int | None, user: User | None) -> tuple[ApiToken, str]:
    with transaction.atomic():
        token, secret = auth.create_token(name, scopes, expires_days, user)
        details = {"name": token.name, "subject": token.subject, "scopes": scopes, "days": expires_days}
        record("portal.token.create", target(token), details)
        _announce(token, "created")
    return token, secret


def _known_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(scopes))
    known = {*PLAIN_SCOPES, *(permission.id for permission in contributions(Permission))}
    for scope in wanted:
        if scope not in known:
            raise AccountError(
                _("There is no scope %(scope)s; use read, write, admin or the id of a permission.")
                % {"scope": scope[:100]},
                "scopes",
            )
    return wanted


def _own_or_administered(token_id: uuid.UUID | str) -> ApiToken:
    require("portal.settings.manage")
    try:
        wanted = uuid.UUID(str(token_id))
    except ValueError:
        raise AccountError(_("There is no such token.")) from None
    token = ApiToken.objects.select_for_update().filter(pk=wanted).first()
    who = auth.principal()
    if token is None or token.user_id is None or token.user_id != who.user_id:
        require("admin.tokens.manage")
    if token is None:
        raise AccountError(_("There is no such token."))
    return token
