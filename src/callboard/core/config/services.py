"""Change settings from the UI.

Permission, audit and event belong to the caller one floor up: the kernel's lower floors do not know them.
"""

from __future__ import annotations

from typing import Any

from callboard.core.config import overrides
from callboard.core.config.models import SettingOverride


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
