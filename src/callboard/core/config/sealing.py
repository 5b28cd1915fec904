"""Seal what the database keeps secret, with keys that can be changed while it is kept.

The keys derive from ``secret_key`` and ``secret_key_fallbacks``: the first seals, all of them open.
``callboard secrets renew`` seals everything anew with the first one; then the fallbacks may go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

from callboard.lib.crypto import KeyRing


class SealedField(models.TextField):
    """A column of sealed texts. ``purpose`` is what they are bound to, with fields of the row in braces."""

    def __init__(self, *args: Any, purpose: str = "", **kwargs: Any) -> None:
        self.purpose = purpose
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        """Answer migrations what the database sees: a text."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def purpose_of(self, row: models.Model) -> str:
        """Answer what the text of ``row`` is bound to."""
        values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        return self.purpose.format(pk=row.pk, **values)


def key_ring() -> KeyRing:
    """Answer the keys of this process, the newest first."""
    return KeyRing(tuple(settings.ENCRYPTION_KEYS))


def seal_secret(text: str, purpose: str) -> str:
    """Encrypt ``text`` for the database; ``purpose`` (``webhook:4711``) must be given again to open it."""
    return key_ring().seal(text, purpose)


def open_secret(sealed: str, purpose: str) -> str:
    """Answer a sealed text again; raises ``callboard.lib.crypto.SealError``."""
    return key_ring().open(sealed, purpose)


def sealed_fields() -> Iterator[tuple[type[models.Model], SealedField]]:
    """Answer every column of sealed texts, in all tables."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedField):
                yield model, field
