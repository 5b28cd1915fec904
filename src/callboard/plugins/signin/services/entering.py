"""Let somebody in whom a provider vouches for, or note why not."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from callboard.plugins.catalog.public import user_email
from callboard.plugins.signin.models import Outcome, UsedToken
from callboard.plugins.signin.selectors import signin_settings
from callboard.plugins.signin.services.resolving import resolve
from callboard.plugins.signin.types import Provider, Resolution, Vouched
from callboard.sdk import auth
from callboard.sdk.audit import record
from callboard.sdk.auth import AccountError, User
from callboard.sdk.events import publish

UID_LENGTH = 190
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_HIDDEN = re.compile(r"secret|token|password|hash|nonce|assertion", re.IGNORECASE)


class RefusedSignInError(Exception):
    """Somebody was not let in; ``outcome`` holds everything an administrator may want to know."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def admit(provider: Provider, who: Vouched, address: str = "") -> User:
    """Answer the account of the person, made or brought up to date; raises :class:`RefusedSignInError`."""
    who = _usable(who)
    resolution = resolve(provider, who)
    try:
        with transaction.atomic():
            user, resolution = _account(provider, who, resolution)
    except AccountError as error:
        resolution = replace(resolution, reason="account", entity_ref="")
        return _refuse(provider, who, resolution, address, str(error))
    if user is None:
        return _refuse(provider, who, resolution, address)
    return user


def try_out(provider: Provider, who: Vouched, address: str = "") -> Outcome:
    """Note what would happen to the person, and let nobody in: the test of a provider."""
    who = _usable(who)
    resolution = resolve(provider, who)
    if resolution.entity_ref or resolution.create:
        linked = _linked(provider, who)
        if linked is not None and not linked.is_active:
            resolution = replace(resolution, reason="inactive")
    return _note(provider, who, resolution, address, test=True)


def note_failure(provider_id: str, reason: str, detail: str, address: str = "", *, test: bool = False) -> Outcome:
    """Note a sign-in that failed before the provider vouched for anybody."""
    with transaction.atomic():
        outcome = Outcome.objects.create(
            provider=provider_id[:40],
            reason=reason,
            test=test,
            address=address[:64],
            details={"problem": detail[:2000]},
        )
        if not test:
            record("signin.session.refuse", f"outcome:{outcome.pk}", {"provider": provider_id[:40], "reason": reason},
                   outcome="failed")  # fmt: skip
    return outcome


def use_once(kind: str, value: str, until: int) -> bool:
    """Answer whether something that works once is used for the first time, and note that it was."""
    now = timezone.now()
    UsedToken.objects.filter(until__lt=now).delete()
    end = now + timedelta(days=1)
    if until:
        end = min(end, max(now + timedelta(minutes=10), datetime.fromtimestamp(until, UTC)))
    key = hashlib.sha256(f"{kind} {value}".encode()).hexdigest()
    _row, fresh = UsedToken.objects.get_or_create(pk=key, defaults={"until": end})
    return fresh


def forget_outcomes() -> int:
    """Remove what is older than ``signin.refusals_days``; for a job."""
    limit = timezone.now() - timedelta(days=signin_settings().refusals_days)
    return Outcome.objects.filter(at__lt=limit).delete()[0]


def _usable(who: Vouched) -> Vouched:
    uid = who.uid if len(who.uid) <= UID_LENGTH else hashlib.sha256(who.uid.encode()).hexdigest()
    return replace(who, uid=uid.replace("\0", ""))


def _linked(provider: Provider, who: Vouched) -> User | None:
    link = SocialAccount.objects.select_related("user").filter(provider=provider.id, uid=who.uid).first()
    return link.user if link is not None else None


def _account(provider: Provider, who: Vouched, resolution: Resolution) -> tuple[User | None, Resolution]:
    if not (resolution.entity_ref or resolution.create):
        return None, resolution
    linked = _linked(provider, who)
    user, created = linked, False
    if resolution.entity_ref:
        owner = _account_of(resolution.entity_ref)
        if linked is not None and owner is not None and owner.pk != linked.pk:
            return None, replace(resolution, reason="conflict")
        user = linked or owner
        if user is None:
            user, created = _create(provider, who, resolution.entity_ref), True
        auth.set_entity_ref(user, resolution.entity_ref)
    elif user is None:
        user, created = _create(provider, who, ""), True
    if not user.is_active or user.is_service:
        return None, replace(resolution, reason="inactive")
    if linked is None:
        SocialAccount.objects.create(user=user, provider=provider.id, uid=who.uid)
    _bring_up_to_date(provider, who, user)
    with auth.act_as(auth.principal_of(user), auth.acting().door, auth.acting().request_id):
        if created or linked is None:
            details = {"provider": provider.id, "entity": user.entity_ref, "created": created}
            record("signin.account.create" if created else "signin.account.link", f"account:{user.username}", details)
        if created:
            publish("portal.user-changed", {"username": user.username, "change": "created"})
    return user, resolution


def _account_of(entity_ref: str) -> User | None:
    """Answer the account an entity has already: one tied to it, or a local one the catalog knows as this person."""
    tied = User.objects.filter(entity_ref__iexact=entity_ref, is_service=False).order_by("pk").first()
    if tied is not None:
        return tied
    alike = Q(username__iexact=entity_ref.rpartition("/")[2])
    if email := user_email(entity_ref):
        alike |= Q(email__iexact=email)
    maybe = User.objects.filter(alike, entity_ref="", is_service=False)
    return next((user for user in maybe if auth.person_of(user).ref == entity_ref), None)


def _create(provider: Provider, who: Vouched, entity_ref: str) -> User:
    wanted = entity_ref.rpartition("/")[2] or who.username or who.email.partition("@")[0] or who.uid
    name = _NOT_IN_NAMES.sub("-", wanted.lower()).strip("-")[:60] or "person"
    username = _free(name)
    # Whom the catalog does not know gets a name in the provider's own namespace: nobody becomes somebody else by
    # choosing a name elsewhere.
    ref = entity_ref or f"user:{provider.id}/{username}"
    user = auth.create_user(username, email=_free_email(who, None), name=who.name, entity_ref=ref)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    return user


def _free(name: str) -> str:
    taken = {
        value.lower() for value in User.objects.filter(username__istartswith=name).values_list("username", flat=True)
    }
    return next(candidate for n in range(1, 100_000) if (candidate := name if n == 1 else f"{name}-{n}") not in taken)


def _free_email(who: Vouched, user: User | None) -> str:
    if not who.email or not who.email_verified or len(who.email) > 254 or "@" not in who.email:
        return ""
    others = User.objects.filter(email__iexact=who.email)
    if user is not None:
        others = others.exclude(pk=user.pk)
    return "" if others.exists() else who.email


def _bring_up_to_date(provider: Provider, who: Vouched, user: User) -> None:
    prefix = f"{provider.id}:"
    others = [group for group in user.idp_groups if not group.startswith(prefix)]
    auth.set_idp_groups(user, [*others, *(f"{prefix}{group}" for group in who.groups)])
    if not user.has_usable_password():
        if who.name and who.name != user.get_full_name():
            auth.set_profile(user, who.name)
        email = _free_email(who, user)
        if email and email != user.email:
            user.email = email
            user.save(update_fields=["email"])


def _refuse(provider: Provider, who: Vouched, resolution: Resolution, address: str, problem: str = "") -> User:
    outcome = _note(provider, who, resolution, address, test=False, problem=problem)
    raise RefusedSignInError(outcome)


def _note(
    provider: Provider, who: Vouched, resolution: Resolution, address: str, *, test: bool, problem: str = ""
) -> Outcome:
    details: dict[str, Any] = {
        "claims": _shown(who.claims),
        "groups": list(who.groups)[:200],
        "emailConfirmed": who.email_verified,
        "steps": [asdict(step) for step in resolution.steps],
        "wouldCreate": resolution.create,
    }
    if problem:
        details["problem"] = problem
    with transaction.atomic():
        outcome = Outcome.objects.create(
            provider=provider.id,
            test=test,
            reason=resolution.reason,
            subject=(who.username or who.uid)[:300],
            email=who.email[:320],
            entity_ref=resolution.entity_ref[:300],
            address=address[:64],
            details=details,
        )
        if not test:
            record(
                "signin.session.refuse",
                f"outcome:{outcome.pk}",
                {"provider": provider.id, "reason": resolution.reason},
                outcome="denied",
            )
    return outcome


def _shown(claims: dict[str, Any]) -> dict[str, Any]:
    """Answer claims as an administrator may see them: nothing that opens anything, and not without end."""
    shown = {}
    for name, value in list(claims.items())[:80]:
        text = value if isinstance(value, str | int | float | bool) or value is None else str(value)
        shown[str(name)[:100]] = "…" if _HIDDEN.search(str(name)) else text[:500] if isinstance(text, str) else text
    return shown
