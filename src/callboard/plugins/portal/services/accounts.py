"""Create accounts, switch them, and let people mend their own."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from callboard.sdk import auth
from callboard.sdk.audit import record
from callboard.sdk.auth import AccountError, User
from callboard.sdk.events import publish
from callboard.sdk.permissions import NotAllowedError, require

PASSWORD_TRIES = 10


def create_user(
    username: str,
    *,
    email: str = "",
    name: str = "",
    password: str | None = None,
    administrator: bool = False,
    entity_ref: str = "",
) -> tuple[User, str | None]:
    """Create a local account; without a password, answer the secret of a link to choose one."""
    require("admin.users.manage")
    with transaction.atomic():
        user = auth.create_user(
            username,
            email=email,
            name=name,
            password=password,
            administrator=administrator,
            entity_ref=entity_ref,
        )
        secret = auth.create_password_link(user) if password is None else None
        record("portal.user.create", target(user), {"administrator": administrator})
        _announce(user, "created")
    return user, secret


def switch_user(user_id: int, *, active: bool) -> User:
    """Let an account in, or keep it out; out ends its sessions and stops its tokens."""
    require("admin.users.manage")
    with transaction.atomic():
        user = _locked(user_id)
        if not active:
            _refuse_oneself(user, _("You cannot switch off your own account."))
            _refuse_last_administrator(user)
        auth.set_active(user, active)
        record("portal.user.enable" if active else "portal.user.disable", target(user))
        _announce(user, "enabled" if active else "disabled")
    return user


def make_administrator(user_id: int, *, administrator: bool) -> User:
    """Give an account the rights of an administrator, or take them."""
    require("admin.users.manage")
    with transaction.atomic():
        user = _locked(user_id)
        if not administrator:
            _refuse_oneself(user, _("You cannot take your own rights; another administrator can."))
            _refuse_last_administrator(user)
        auth.set_administrator(user, administrator)
        record("portal.user.administrator", target(user), {"administrator": administrator})
        _announce(user, "administrator-granted" if administrator else "administrator-withdrawn")
    return user


def make_password_link(user_id: int) -> tuple[User, str]:
    """Answer the secret of a link by which the person chooses a new password."""
    require("admin.users.manage")
    with transaction.atomic():
        user = _locked(user_id)
        if not user.is_active:
            raise AccountError(_("Switch the account on first."))
        secret = auth.create_password_link(user)
        record("portal.user.password-link", target(user))
    return user, secret


def use_link(secret: str, *, password: str, username: str = "", email: str = "", name: str = "") -> User:
    """Make the first administrator, or choose a password, with a one-time link; the link is the right."""
    with transaction.atomic():
        link = auth.find_link(secret)
        purpose = link.purpose if link else ""
        user = auth.use_link(secret, password=password, username=username, email=email, name=name)
        with auth.act_as(auth.principal_of(user), auth.acting().door, auth.acting().request_id):
            record("portal.setup.finish" if purpose == "setup" else "portal.user.set-password", target(user))
            if purpose == "setup":
                _announce(user, "created")
    return user


def change_own_password(user: User, old: str, new: str) -> None:
    """Choose a new password, knowing the old one; all other sessions end."""
    _require_own(user)
    if not auth.attempt(f"password {user.pk}", PASSWORD_TRIES, 600):
        raise AccountError(_("Too many attempts. Wait a few minutes, then try again."), "old_password")
    if not user.check_password(old):
        record("portal.account.change-password", target(user), outcome="failed")
        raise AccountError(_("This is not your current password."), "old_password")
    with transaction.atomic():
        auth.set_password(user, new)
        record("portal.account.change-password", target(user))


def change_own_profile(user: User, name: str) -> None:
    """Change how the person is called."""
    _require_own(user)
    with transaction.atomic():
        auth.set_profile(user, name)
        record("portal.account.rename", target(user))


def change_own_theme(user: User, theme: str) -> None:
    """Change how the portal looks to the person."""
    _require_own(user)
    auth.set_theme(user, theme)


def sign_out_everywhere(user: User) -> None:
    """End all sessions of the person; the door starts a new one for the browser that asked."""
    _require_own(user)
    with transaction.atomic():
        auth.end_sessions(user)
        record("portal.account.end-sessions", target(user))


def end_own_session(user: User, public_id: UUID) -> None:
    """End one session of the person."""
    _require_own(user)
    with transaction.atomic():
        ended = auth.end_session(user, public_id)
        if ended is None:
            raise AccountError(_("There is no such session any more."))
        record("portal.account.end-session", target(user), {"address": ended.address})


def start_as_guest() -> None:
    """Note that somebody looks around as a guest; refuse where guests are not welcome."""
    if not auth.guests_welcome():
        raise NotAllowedError("portal.guest", _("this portal has no guests"), signed_in=True)
    with auth.act_as(auth.GUEST, auth.acting().door, auth.acting().request_id):
        record("portal.session.start", auth.GUEST.ref)


def same_twice(password: str, again: str) -> None:
    """Refuse a new password that was not typed the same twice."""
    if password != again:
        raise AccountError(_("The two passwords are not the same."), "password_again")


def target(user: User) -> str:
    """Answer how the audit record names an account."""
    return f"account:{user.username}"


def _announce(user: User, change: str) -> None:
    publish("portal.user-changed", {"username": user.username, "change": change})


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise AccountError(_("There is no such account."))
    return user


def _require_own(user: User) -> None:
    require("portal.settings.manage")
    if auth.principal().user_id != user.pk:
        raise NotAllowedError("portal.settings.manage", _("this is another person's account"))


def _refuse_oneself(user: User, message: str) -> None:
    if auth.principal().user_id == user.pk:
        raise AccountError(message)


def _refuse_last_administrator(user: User) -> None:
    # All administrators are locked in one order, so that two who remove each other cannot both succeed.
    others = list(User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk"))
    if user.is_superuser and user.is_active and all(other.pk == user.pk for other in others):
        raise AccountError(_("This is the last administrator; make another one first."))
