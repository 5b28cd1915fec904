"""Set up identity providers from the UI."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import ValidationError

from callboard.plugins.signin.models import ProviderRow
from callboard.plugins.signin.selectors import open_secrets, provider_of, providers, signin_settings
from callboard.plugins.signin.settings import PROVIDER_ID, RESERVED, ProviderSettings
from callboard.plugins.signin.types import SECRET_FIELDS, SigninError
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.config import SealError, seal_secret
from callboard.sdk.events import publish
from callboard.sdk.permissions import require

MANAGE = "admin.signin.manage"


def save_provider(provider_id: str, given: dict[str, Any], *, new: bool) -> ProviderRow:
    """Make a provider, or change one; a secret that is left empty stays as it is."""
    require(MANAGE)
    if not PROVIDER_ID.match(provider_id) or provider_id in RESERVED:
        raise SigninError(_("Use lower-case letters, digits and hyphens."), "id")
    if provider_id in signin_settings().providers:
        raise SigninError(_("This provider is set up in the configuration file; change it there."), "id")
    with transaction.atomic():
        row = ProviderRow.objects.select_for_update().filter(pk=provider_id).first()
        if new and row is not None:
            raise SigninError(_("There is a provider with this id already."), "id")
        if not new and row is None:
            raise SigninError(_("There is no such provider."))
        secrets = _secrets(row, given)
        settings = _checked({**given, **secrets})
        plain = settings.model_dump(mode="json", exclude=set(SECRET_FIELDS), exclude_defaults=True)
        before = row.settings if row is not None else {}
        row = row or ProviderRow(pk=provider_id)
        row.settings = plain | {"type": settings.type}
        row.secrets = seal_secret(json.dumps(secrets), f"signin-provider:{provider_id}") if secrets else ""
        row.changed_by = principal().ref[:300]
        row.save()
        changed = sorted(k for k in {*before, *row.settings} if before.get(k) != row.settings.get(k))
        new_secrets = sorted(name for name in SECRET_FIELDS if given.get(name))
        record(
            "signin.provider.create" if new else "signin.provider.change",
            f"provider:{provider_id}",
            {"type": settings.type, "changed": changed, "secrets": new_secrets},
        )
        _announce(provider_id, "created" if new else "changed")
    return row


def switch_provider(provider_id: str, *, enabled: bool) -> None:
    """Let people in through a provider, or no longer; who is in, stays in."""
    require(MANAGE)
    with transaction.atomic():
        row = _locked(provider_id)
        if not enabled:
            _refuse_last_way(provider_id)
        row.enabled = enabled
        row.changed_by = principal().ref[:300]
        row.save(update_fields=["enabled", "changed_by", "changed_at"])
        record("signin.provider.enable" if enabled else "signin.provider.disable", f"provider:{provider_id}")
        _announce(provider_id, "enabled" if enabled else "disabled")


def remove_provider(provider_id: str) -> None:
    """Remove a provider. Accounts stay; whoever came in through it alone needs another way in."""
    require(MANAGE)
    with transaction.atomic():
        row = _locked(provider_id)
        _refuse_last_way(provider_id)
        row.delete()
        record("signin.provider.remove", f"provider:{provider_id}")
        _announce(provider_id, "removed")


def _announce(provider_id: str, change: str) -> None:
    publish("signin.provider-changed", {"id": provider_id, "change": change})


def _locked(provider_id: str) -> ProviderRow:
    row = ProviderRow.objects.select_for_update().filter(pk=provider_id).first()
    if row is None:
        raise SigninError(_("There is no such provider, or it is set up in the configuration file."))
    return row


def _refuse_last_way(provider_id: str) -> None:
    others = [provider for provider in providers() if provider.id != provider_id]
    if not signin_settings().password and not others and provider_of(provider_id) is not None:
        raise SigninError(_("This is the last way in, as passwords are switched off."))


def _secrets(row: ProviderRow | None, given: dict[str, Any]) -> dict[str, str]:
    try:
        kept = open_secrets(row) if row is not None else {}
    except SealError:
        kept = {}  # sealed with a key that is gone; it has to be entered anew
    if row is not None and _elsewhere(row.settings, given):
        # A secret goes only where it was meant for: pointing the provider elsewhere must not send it there.
        kept = {}
    typed = {name: str(given.get(name) or "") for name in SECRET_FIELDS}
    return {name: value for name in SECRET_FIELDS if (value := typed[name] or kept.get(name, ""))}


def _elsewhere(before: dict[str, Any], given: dict[str, Any]) -> bool:
    return any(str(before.get(name) or "") != str(given.get(name) or "") for name in ("type", "issuer", "url"))


def _checked(given: dict[str, Any]) -> ProviderSettings:
    values = {name: value for name, value in given.items() if value not in ("", None, [])}
    try:
        return ProviderSettings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = str(first["loc"][0]) if first["loc"] else ""
        message = str(first["msg"]).removeprefix("Value error, ")
        if not place:
            place = next((name for name in ProviderSettings.model_fields if f" {name}" in f" {message}"), "")
        raise SigninError(message[:1].upper() + message[1:] + ".", place) from None
