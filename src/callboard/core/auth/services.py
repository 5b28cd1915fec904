"""Create and change accounts, API tokens and one-time links.

These verbs neither ask for permission nor write the audit record, because permissions and audit stand
above this floor; doors use the verbs of the portal room, which do.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from callboard.core.auth import tokens
from callboard.core.auth.adapters import renew_second_factor
from callboard.core.auth.models import ApiToken, OneTimeLink, User
from callboard.core.auth.people import forget_people, principal_of
from callboard.core.auth.principal import acting
from callboard.core.auth.token_check import forget_tokens

THEMES = ("auto", "light", "dark")
PLAIN_SCOPES = ("read", "write", "admin")
MAX_TOKEN_DAYS = 3650
SETUP_HOURS = 24
PASSWORD_LINK_HOURS = 72
MAX_IDP_GROUPS = 2000
_SERVICE_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,59}$")


class AccountError(ValueError):
    """Something about an account or token that cannot be; ``field`` names the input to mend."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


# --- Accounts -------------------------------------------------------------------


def create_user(
    username: str,
    *,
    password: str | None = None,
    email: str = "",
    name: str = "",
    administrator: bool = False,
    entity_ref: str = "",
) -> User:
    """Create a local account; without a password nobody can sign in until one is chosen."""
    first, _space, last = name.strip().partition(" ")
    user = User(
        username=username.strip(),
        email=email.strip(),
        first_name=first[:150],
        last_name=last[:150],
        is_superuser=administrator,
        entity_ref=entity_ref,
    )
    user.set_password(password)
    try:
        user.clean_fields()
        if password is not None:
            _check_password(password, user)
        with transaction.atomic():
            user.save()
    except ValidationError as error:
        raise _as_account_error(error) from None
    except IntegrityError:
        field = "email" if User.objects.filter(~Q(email=""), email__iexact=user.email).exists() else "username"
        message = (
            _("Another account has this email address.")
            if field == "email"
            else _("Another account has this username.")
        )
        raise AccountError(message, field) from None
    return user


def create_service_account(username: str, *, title: str = "", description: str = "", owner_ref: str = "") -> User:
    """Create an account for a program: nobody can sign in with it, its tokens act as ``service:<username>``."""
    if not _SERVICE_NAME.match(username):
        raise AccountError(_("Use lower-case letters, digits and hyphens, at most 60."), "username")
    user = create_user(username, name="")
    user.is_service = True
    user.first_name, user.description, user.owner_ref = title.strip()[:150], description.strip()[:300], owner_ref[:300]
    user.save(update_fields=["is_service", "first_name", "description", "owner_ref"])
    return user


def set_idp_groups(user: User, groups: Iterable[str]) -> None:
    """Remember the groups an identity provider named, each as ``<provider>:<group>``."""
    wanted = sorted({group[:300] for group in groups if group})[:MAX_IDP_GROUPS]
    if wanted != user.idp_groups:
        user.idp_groups = wanted
        user.save(update_fields=["idp_groups"])
        forget_tokens()


def set_entity_ref(user: User, entity_ref: str) -> None:
    """Say which User entity describes the person."""
    if user.entity_ref != entity_ref:
        user.entity_ref = entity_ref[:200]
        user.save(update_fields=["entity_ref"])
        forget_people()
        forget_tokens()


def set_password(user: User, password: str) -> None:
    """Give an account a new password, which ends its sessions."""
    try:
        _check_password(password, user)
    except ValidationError as error:
        raise _as_account_error(error) from None
    user.set_password(password)
    user.save(update_fields=["password"])


def set_active(user: User, active: bool) -> None:
    """Switch an account on or off; off ends its sessions and stops its tokens."""
    user.is_active = active
    user.session_epoch += 0 if active else 1
    user.save(update_fields=["is_active", "session_epoch"])
    forget_tokens()


def set_administrator(user: User, administrator: bool) -> None:
    """Make somebody an administrator, or no longer one."""
    user.is_superuser = administrator
    user.save(update_fields=["is_superuser"])
    forget_tokens()


def set_theme(user: User, theme: str) -> None:
    """Remember how a person wants the portal to look."""
    if theme not in THEMES:
        raise AccountError(_("Choose auto, light or dark."), "theme")
    user.theme = theme
    user.save(update_fields=["theme"])


def set_profile(user: User, name: str) -> None:
    """Change how a person is called."""
    first, _space, last = name.strip().partition(" ")
    user.first_name, user.last_name = first[:150], last[:150]
    user.save(update_fields=["first_name", "last_name"])


def end_sessions(user: User) -> None:
    """End every session of an account."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from None


def _as_account_error(error: ValidationError) -> AccountError:
    if hasattr(error, "error_dict"):
        field, messages = next(iter(error.message_dict.items()))
        return AccountError(" ".join(messages), field)
    return AccountError(" ".join(error.messages))


# --- API tokens -----------------------------------------------------------------


def create_token(
    name: str, scopes: Iterable[str], expires_days: int | None, user: User | None = None
) -> tuple[ApiToken, str]:
    """Create a token and answer it with its secret, which is shown this once.

    ``user`` is whom it acts as; without one it acts as ``service:<name>``. ``expires_days`` of ``None``
    never ends.
    """
    name = name.strip()
    wanted = list(dict.fromkeys(scopes))
    if not name or len(name) > 100:
        raise AccountError(_("Give the token a name of at most 100 characters."), "name")
    if not wanted:
        raise AccountError(_("Choose what the token may do: read, write or admin."), "scopes")
    if expires_days is not None and not 1 <= expires_days <= MAX_TOKEN_DAYS:
        raise AccountError(_("A token lives between 1 and %(days)s days.") % {"days": MAX_TOKEN_DAYS}, "expires_days")
    secret = tokens.new_secret()
    token = ApiToken.objects.create(
        name=name,
        user=user,
        subject=principal_of(user).ref if user else f"service:{name}",
        digest=tokens.digest_of(secret),
        hint=tokens.hint_of(secret),
        scopes=wanted,
        created_by=acting().principal.ref[:200],
        expires_at=timezone.now() + timedelta(days=expires_days) if expires_days is not None else None,
    )
    return token, secret


def list_tokens(user: User | None = None) -> QuerySet[ApiToken]:
    """Answer the tokens that are not revoked, newest first: of one account, or all."""
    found = ApiToken.objects.select_related("user").filter(revoked_at__isnull=True)
    return found if user is None else found.filter(user=user)


def revoke_token(token: ApiToken) -> None:
    """Stop a token: here at once, in other processes within five seconds."""
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
    forget_tokens()


def rotate(token: ApiToken) -> tuple[ApiToken, str]:
    """Give a token a new secret; the old one stops. A limited lifetime starts anew."""
    if token.revoked_at is not None:
        raise AccountError(_("The token was revoked; create a new one."))
    secret = tokens.new_secret()
    now = timezone.now()
    if token.expires_at is not None:
        token.expires_at = now + (token.expires_at - token.created_at)
    token.digest, token.hint = tokens.digest_of(secret), tokens.hint_of(secret)
    token.save(update_fields=["digest", "hint", "expires_at"])
    forget_tokens()
    return token, secret


# --- One-time links -------------------------------------------------------------


def create_setup_link() -> str | None:
    """Answer the secret of a link that makes the first administrator; nothing once there is an account.

    A link made earlier stops working. The page is ``/setup?token=<secret>``.
    """
    if User.objects.exists():
        return None
    OneTimeLink.objects.filter(purpose="setup", used_at__isnull=True).delete()
    return _create_link("setup", None, SETUP_HOURS)


def create_password_link(user: User) -> str:
    """Answer the secret of a link by which a person chooses a password; earlier ones stop working."""
    OneTimeLink.objects.filter(purpose="password", user=user, used_at__isnull=True).delete()
    return _create_link("password", user, PASSWORD_LINK_HOURS)


def find_link(secret: str) -> OneTimeLink | None:
    """Answer the link of a secret while it can be used."""
    return (
        OneTimeLink.objects.select_related("user")
        .filter(digest=_link_digest(secret), used_at__isnull=True, expires_at__gt=timezone.now())
        .first()
    )


def use_link(secret: str, *, password: str, username: str = "", email: str = "", name: str = "") -> User:
    """Make the first administrator, or choose a password, with a one-time link."""
    with transaction.atomic():
        link = (
            OneTimeLink.objects.select_for_update(of=("self",))
            .filter(digest=_link_digest(secret), used_at__isnull=True, expires_at__gt=timezone.now())
            .first()
        )
        if link is None or (link.purpose == "setup" and User.objects.exists()):
            raise AccountError(_("This link was used already or has expired. Ask for a new one."))
        if link.user is not None:
            user = link.user
            if not user.is_active:
                raise AccountError(_("This account is switched off."))
            set_password(user, password)
        else:
            user = create_user(username, password=password, email=email, name=name, administrator=True)
        link.used_at = timezone.now()
        link.save(update_fields=["used_at"])
    forget_people()
    return user


def _create_link(purpose: str, user: User | None, hours: int) -> str:
    secret = secrets.token_urlsafe(32)
    OneTimeLink.objects.create(
        purpose=purpose,
        user=user,
        digest=_link_digest(secret),
        expires_at=timezone.now() + timedelta(hours=hours),
    )
    return secret


def _link_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# --- Keys -------------------------------------------------------------------------


def renew_second_factors() -> tuple[int, list[str]]:
    """Encrypt the secrets of second factors with the newest key; answer how many, and which cannot be read."""
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - models must be ready
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - only this command needs it

    done, lost = 0, []
    for pk in list(Authenticator.objects.values_list("pk", flat=True)):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            names = [name for name in ("secret", "seed") if row is not None and row.data.get(name)]
            if row is None or not names:
                continue
            try:
                row.data |= {name: renew_second_factor(row.data[name]) for name in names}
            except InvalidToken:
                lost.append(f"second factor {pk}")
                continue
            row.save(update_fields=["data"])
            done += 1
    return done, lost
