"""Make, change, pause and remove sources."""

from __future__ import annotations

import re
import secrets as random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError

from callboard.lib.crypto import seal
from callboard.plugins.catalog.public import remove_provider
from callboard.plugins.hosts.public import host
from callboard.plugins.sources import selectors
from callboard.plugins.sources.models import FoundLocation, Source, SourceRun, SourceState
from callboard.plugins.sources.settings import SourceSettings
from callboard.plugins.sources.types.found import BY_NAME, secrets_of
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.events import publish
from callboard.sdk.jobs import start
from callboard.sdk.permissions import require
from callboard.sdk.ui import form_errors

MANAGE = "admin.sources.manage"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
_ADDRESSES = ("url", "endpoint")


class SourceInvalidError(ValueError):
    """Values that make no source; ``errors`` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{key}: {text}" for key, text in errors.items()))


class SourceMissingError(LookupError):
    """No source of this name can be changed here."""


def create_source(name: str, type_: str, values: Mapping[str, Any], *, run: bool = True) -> Source:
    """Make a source and, unless told otherwise, run it for the first time; raises :class:`SourceInvalidError`."""
    require(MANAGE)
    errors: dict[str, str] = {}
    if not NAME.fullmatch(name):
        errors["name"] = _("Use lower-case letters, digits and dashes, such as github-acme.")
    elif name in selectors.source_names():
        errors["name"] = _("There is a source of this name already.")
    checked = checked_settings(type_, values, errors)
    row = Source(name=name, type=type_, created_by=principal().ref)
    _fill(row, checked)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            record("sources.source.create", name, {"type": type_})
            publish("sources.source-changed", {"name": name, "change": "created"})
            if run:
                start("sources.run", title=_title(name), source=name, trigger="created")
    except IntegrityError:
        raise SourceInvalidError({"name": _("There is a source of this name already.")}) from None
    return row


def change_source(name: str, values: Mapping[str, Any]) -> Source:
    """Change the settings of a source. Secrets that are left out stay; ``None`` removes one."""
    require(MANAGE)
    with transaction.atomic():
        row = _locked(name)
        before = selectors.opened(row)
        hidden = secrets_of(BY_NAME[row.type].model)
        given = {key: value for key, value in values.items() if value is not None}
        kept = {key: value for key, value in before.items() if values.get(key, "") is not None}
        moved = any(_host(given.get(key)) != _host(row.settings.get(key)) for key in _ADDRESSES)
        if moved and (lost := [key for key in kept if not given.get(key)]):
            # Whoever may change the address must not thereby learn a secret that somebody else entered.
            raise SourceInvalidError({lost[0]: _("Enter it again, because the address is another.")})
        merged = {**kept, **{key: value for key, value in given.items() if value or key not in hidden}}
        checked = checked_settings(row.type, merged, {})
        _fill(row, checked)
        row.changed_at = timezone.now()
        row.save()
        record("sources.source.change", name, {"changed": sorted(set(given) - set(hidden))})
        publish("sources.source-changed", {"name": name, "change": "changed"})
    return row


def delete_source(name: str) -> list[str]:
    """Remove a source with everything it alone brought; answer the refs that are gone."""
    require(MANAGE)
    with transaction.atomic():
        row = _locked(name)
        done = remove_provider(selectors.provider_id(name))
        row.delete()
        FoundLocation.objects.filter(source=name).delete()
        SourceRun.objects.filter(source=name).delete()
        SourceState.objects.filter(source=name).delete()
        record("sources.source.delete", name, {"removed": len(done.removed)})
        publish("sources.source-changed", {"name": name, "change": "deleted"})
    return list(done.removed)


def pause_source(name: str, *, paused: bool) -> None:
    """Stop or go on running a source by its schedule; what it brought stays."""
    require(MANAGE)
    _known(name)
    with transaction.atomic():
        SourceState.objects.update_or_create(source=name, defaults={"paused": paused})
        record("sources.source.pause" if paused else "sources.source.resume", name)
        publish("sources.source-changed", {"name": name, "change": "paused" if paused else "resumed"})


def run_source(name: str, trigger: str = "hand") -> UUID:
    """Start a run now and answer its job."""
    require(MANAGE)
    _known(name)
    with transaction.atomic():
        SourceState.objects.filter(source=name).update(not_before=None)
        record("sources.source.run", name)
        return start("sources.run", title=_title(name), source=name, trigger=trigger)


def renew_hook_secret(name: str) -> str:
    """Make a new secret for webhooks of this source alone and answer it, this once."""
    require(MANAGE)
    _known(name)
    secret = random.token_urlsafe(32)
    sealed = seal(secret, django_settings.ENCRYPTION_KEY, f"sources.hook:{name}")
    with transaction.atomic():
        SourceState.objects.update_or_create(source=name, defaults={"hook_secret": sealed})
        record("sources.source.hook-secret", name)
    return secret


def checked_settings(type_: str, values: Mapping[str, Any], errors: dict[str, str]) -> SourceSettings:
    """Answer validated settings; raises :class:`SourceInvalidError` with all that is wrong."""
    about = BY_NAME.get(type_)
    if about is None:
        raise SourceInvalidError({**errors, "type": _("There is no such type of source.")})
    try:
        checked = about.model.model_validate({**values, "type": type_})
    except ValidationError as error:
        raise SourceInvalidError({**form_errors(error), **errors}) from None
    name = getattr(checked, "connection", None)
    if name is not None:
        found = host(name)
        if found is None:
            errors["connection"] = _("There is no connection of this name.")
        elif found.product != about.product:
            errors["connection"] = _("This connection leads to another product.")
    if errors:
        raise SourceInvalidError(errors)
    return checked


def _fill(row: Source, checked: SourceSettings) -> None:
    hidden = secrets_of(type(checked))
    row.settings = checked.model_dump(mode="json", exclude={"type", *hidden}, exclude_defaults=True)
    kept = {key: value for key in hidden if (value := getattr(checked, key))}
    text = orjson.dumps(kept).decode()
    row.secrets = seal(text, django_settings.ENCRYPTION_KEY, selectors.purpose(row)) if kept else ""


def _host(url: Any) -> str:
    return urlsplit(str(url or "")).netloc.lower()


def _locked(name: str) -> Source:
    row = Source.objects.select_for_update().filter(name=name).first()
    if row is None or name in selectors.room().entries:
        raise SourceMissingError(name)
    return row


def _known(name: str) -> None:
    if name not in selectors.source_names():
        raise SourceMissingError(name)


def _title(name: str) -> str:
    return _("Look through %(name)s") % {"name": name}
