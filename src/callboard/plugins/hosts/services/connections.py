"""Make, change, test and remove connections, and open clients for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError

from callboard.lib.crypto import seal
from callboard.plugins.hosts import selectors
from callboard.plugins.hosts.models import Check, Connection, KeptAnswer, RateLimit
from callboard.plugins.hosts.services.ledger import DatabaseLedger
from callboard.plugins.hosts.settings import ConnectionSettings
from callboard.plugins.hosts.types.access import Access
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import Account
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.events import publish
from callboard.sdk.permissions import require

if TYPE_CHECKING:
    from callboard.plugins.hosts.clients.base import HostClient

MANAGE = "admin.hosts.manage"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")


class ConnectionInvalidError(ValueError):
    """Values that make no connection; ``errors`` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{key}: {text}" for key, text in errors.items()))


class ConnectionMissingError(LookupError):
    """No connection of this name was made in the UI."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test found: an account, or what is wrong and the remedy."""

    ok: bool
    account: Account | None = None
    message: str = ""
    remedy: str = ""


def create_connection(name: str, values: Mapping[str, Any]) -> Connection:
    """Make a connection; raises :class:`ConnectionInvalidError`."""
    require(MANAGE)
    errors: dict[str, str] = {}
    if not NAME.fullmatch(name):
        errors["name"] = _("Use lower-case letters, digits and dashes, such as github-eu.")
    elif selectors.host(name) is not None:
        errors["name"] = _("There is a connection of this name already.")
    checked = _checked(values, errors)
    row = Connection(name=name, product=checked.product, created_by=principal().ref)
    _fill(row, checked, {})
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            record("hosts.connection.create", name, {"product": row.product, "url": row.url})
            publish("hosts.connection-changed", {"name": name, "change": "created"})
    except IntegrityError:
        raise ConnectionInvalidError({"name": _("There is a connection of this name already.")}) from None
    selectors.forget()
    return row


def change_connection(name: str, values: Mapping[str, Any]) -> Connection:
    """Change a connection. Secrets that are left out or empty stay; ``None`` removes one."""
    require(MANAGE)
    with transaction.atomic():
        row = _locked(name)
        before = selectors.opened(row)
        given = {key: value for key, value in values.items() if value is not None}
        gone = {key for key in selectors.SECRETS if key in values and values[key] is None}
        checked = _checked({**given, "product": row.product}, {})
        moved = selectors.address_of(checked) != row.url
        kept = {key: value for key, value in before.items() if key not in gone}
        if moved and any(kept.get(key) and not given.get(key) for key in ("token", "app_key")):
            # Whoever may change the address must not thereby learn a secret that somebody else entered.
            raise ConnectionInvalidError({"token": _("Enter the credentials again, because the address is another.")})
        _fill(row, checked, kept)
        row.changed_at = timezone.now()
        row.save()
        Check.objects.filter(connection=name).delete()
        if moved:
            KeptAnswer.objects.filter(connection=name).delete()
            RateLimit.objects.filter(connection=name).delete()
        changed = sorted(
            {"url"} & ({"url"} if moved else set()) | {key for key in selectors.SECRETS if given.get(key)} | gone
        )
        record("hosts.connection.change", name, {"url": row.url, "changed": changed})
        publish("hosts.connection-changed", {"name": name, "change": "changed"})
    selectors.forget()
    return row


def delete_connection(name: str) -> None:
    """Remove a connection with its secrets and all that was kept of it."""
    require(MANAGE)
    with transaction.atomic():
        row = _locked(name)
        row.delete()
        for model in (KeptAnswer, RateLimit):
            model.objects.filter(connection=name).delete()
        Check.objects.filter(connection=name).delete()
        record("hosts.connection.delete", name, {"url": row.url})
        publish("hosts.connection-changed", {"name": name, "change": "deleted"})
    selectors.forget()


def check_connection(name: str) -> Tested:
    """Sign in to a host and remember what came of it."""
    require(MANAGE)
    access = selectors.access_to(name)
    if access is None:
        raise ConnectionMissingError(name)
    tested = _try(access)
    defaults = {"at": timezone.now(), "ok": tested.ok, "message": tested.message, "remedy": tested.remedy}
    defaults["account"] = tested.account.login if tested.account else ""
    with transaction.atomic():
        Check.objects.update_or_create(connection=name, defaults=defaults)
        record("hosts.connection.test", name, {"ok": tested.ok}, "succeeded" if tested.ok else "failed")
    return tested


def try_connection(values: Mapping[str, Any], name: str = "") -> Tested:
    """Sign in with values that are not stored yet; empty secrets are those of the connection ``name``."""
    require(MANAGE)
    given = {key: value for key, value in values.items() if value is not None}
    if name:
        row = Connection.objects.filter(name=name).first()
        kept = selectors.opened(row) if row else {}
        checked = _checked({**given, **({"product": row.product} if row else {})}, {})
        if row and selectors.address_of(checked) == row.url:
            given = {**kept, **{key: value for key, value in given.items() if value}}
    checked = _checked(given, {})
    access = Access(
        name=name or "new",
        product=checked.product,
        url=selectors.address_of(checked),
        timeout=selectors.settings().timeout_seconds,
        **checked.model_dump(include={"api_url", "username", "token", "app_id", "app_key", "private"}),
    )
    return _try(access)


def _try(access: Access) -> Tested:
    from callboard.plugins.hosts.clients.opening import open_client  # noqa: PLC0415 - the HTTP library is slow to import

    try:
        with open_client(access) as client:
            account = client.whoami()
    except HostError as error:
        return Tested(ok=False, message=error.message, remedy=error.remedy)
    return Tested(ok=True, account=account)


@contextmanager
def client_for(name: str, *, token: str = "", patience: float = 0.0) -> Iterator[HostClient]:
    """Lend a client for a connection; raises :class:`HostError` where there is none of that name.

    ``token`` signs in instead of what the connection has: somebody's own, for this one use.
    Rights are asked by the caller's own service: reading hosts is part of many verbs.
    """
    access = selectors.access_to(name)
    if access is None:
        raise HostError("not-connected", f"There is no connection called {name}", "Make one under Source hosts.")
    if token:
        access = replace(access, token=token, app_id="", app_key="")
    from callboard.plugins.hosts.clients.opening import open_client  # noqa: PLC0415 - see above

    ledger = DatabaseLedger(name)
    client = open_client(access, ledger, patience=patience)
    try:
        yield client
    finally:
        client.close()
        ledger.flush()


def _checked(values: Mapping[str, Any], errors: dict[str, str]) -> ConnectionSettings:
    try:
        checked = ConnectionSettings.model_validate(dict(values))
    except ValidationError as error:
        for item in error.errors(include_url=False):
            field = str(item["loc"][0]) if item["loc"] else "product"
            errors[field] = (
                _("Give an address such as https://git.example.com.") if field.endswith("url") else item["msg"]
            )
        raise ConnectionInvalidError(errors) from None
    if not selectors.address_of(checked):
        errors["url"] = _("Give the address of the server, as the browser shows it.")
    elif not urlsplit(selectors.address_of(checked)).hostname:
        errors["url"] = _("Give an address such as https://git.example.com.")
    if bool(checked.app_id) != bool(checked.app_key) and "app_key" in values:
        errors["app_key" if checked.app_id else "app_id"] = _("An app needs both its number and its private key.")
    if errors:
        raise ConnectionInvalidError(errors)
    return checked


def _fill(row: Connection, checked: ConnectionSettings, kept: Mapping[str, str]) -> None:
    row.url = selectors.address_of(checked)
    row.options = checked.model_dump(exclude={"product", "url", *selectors.SECRETS}, exclude_defaults=True)
    secrets = {key: getattr(checked, key) or kept.get(key, "") for key in selectors.SECRETS}
    secrets = {key: value.strip() for key, value in secrets.items() if value.strip()}
    text = orjson.dumps(secrets).decode()
    row.secrets = seal(text, django_settings.ENCRYPTION_KEY, selectors.purpose(row)) if secrets else ""


def _locked(name: str) -> Connection:
    row = Connection.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise ConnectionMissingError(name)
    return row
