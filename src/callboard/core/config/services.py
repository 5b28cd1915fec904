"""Change settings from the UI.

Permission, audit and event belong to the caller one floor up: the kernel's lower floors do not know them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from callboard.core.config import overrides
from callboard.core.config.models import SettingOverride
from callboard.core.config.sealing import key_ring, sealed_fields
from callboard.lib.crypto import SealError


def change_setting(section: str, key: str, value: Any, changed_by: str) -> Any:
    """Keep a new value of a setting that the UI may change; answer it as it will be used."""
    checked = overrides.check_value(section, key, value)
    SettingOverride.objects.update_or_create(
        section=section, key=key, defaults={"value": checked, "changed_by": changed_by}
    )
    overrides.forget()
    return checked


def reset_setting(section: str, key: str) -> bool:
    """Go back to what is configured; answer whether anything had been changed."""
    deleted, _ = SettingOverride.objects.filter(section=section, key=key).delete()
    overrides.forget()
    return bool(deleted)


@dataclass
class Renewed:
    """What became of sealed texts: how many there are, how many were sealed anew, which cannot be opened."""

    seen: int = 0
    renewed: int = 0
    lost: list[str] = field(default_factory=list)


def renew_secrets() -> Renewed:
    """Seal every sealed text with the newest key; what cannot be opened is named and left as it is."""
    result = Renewed()
    ring = key_ring()
    for model, column in sealed_fields():
        rows: Any = model._meta.default_manager
        for pk in list(rows.exclude(**{column.attname: ""}).values_list("pk", flat=True)):
            with transaction.atomic():
                # Locked row by row, so that a secret changed at this moment is not put back.
                row = rows.select_for_update().filter(pk=pk).first()
                sealed = getattr(row, column.attname, "") if row is not None else ""
                if row is None or not sealed:
                    continue
                result.seen += 1
                try:
                    anew = ring.renewed(sealed, column.purpose_of(row))
                except SealError:
                    result.lost.append(f"{model._meta.db_table} {pk}")
                    continue
                if anew is not None:
                    rows.filter(pk=pk).update(**{column.attname: anew})
                    result.renewed += 1
    return result
