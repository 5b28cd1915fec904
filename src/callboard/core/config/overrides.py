"""The settings that may be changed in the UI, and what they are right now.

A field says ``json_schema_extra={"ui": True}``; its new value is kept in the database and counts in
every process within a few seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from pydantic import BaseModel, TypeAdapter, ValidationError

from callboard.core.config.checking import has_mark
from callboard.core.config.current import portal_config
from callboard.core.config.models import SettingOverride
from callboard.lib.nearest import nearest

FRESH_SECONDS = 2.0


class SettingError(ValueError):
    """A setting that cannot be changed like this; the message says why."""


@dataclass(frozen=True)
class Changeable:
    """A setting the UI may change: its value now, what it is without the change, and where that is from."""

    section: str
    key: str
    description: str
    value: Any
    configured: Any
    source: str
    changed: bool


class _Cache:
    values: dict[tuple[str, str], Any]
    until: float = 0.0


_cache = _Cache()


def _overrides() -> dict[tuple[str, str], Any]:
    now = time.monotonic()
    if now >= _cache.until:
        try:
            rows = SettingOverride.objects.values_list("section", "key", "value")
            _cache.values = {(section, key): value for section, key, value in rows}
        except DatabaseError:
            # Before the first migration there is no table, and nothing was ever changed.
            _cache.values = {}
        _cache.until = now + FRESH_SECONDS
    return _cache.values


def forget() -> None:
    """Ask the database again at the next question."""
    _cache.until = 0.0


def _section(section: str) -> BaseModel:
    config = portal_config()
    found = config.rooms.get(section) if section in config.rooms else getattr(config, section, None)
    if not isinstance(found, BaseModel):
        raise SettingError(f"There is no section `{section}`.")
    return found


def effective(section: str, key: str) -> Any:
    """Answer the value that counts: the UI's choice, otherwise what is configured."""
    model = _section(section)
    info = type(model).model_fields.get(key)
    if info is None:
        raise SettingError(f"There is no setting `{section}.{key}`.")
    chosen = _overrides().get((section, key)) if has_mark(info, "ui") else None
    return getattr(model, key) if chosen is None else chosen


def changeable() -> list[Changeable]:
    """Answer every setting that the UI may change, in the order of the file."""
    config, chosen, found = portal_config(), _overrides(), []
    sections: list[tuple[str, Any]] = [(n, getattr(config, n)) for n in type(config).model_fields if n != "rooms"]
    for section, model in [*sections, *sorted(config.rooms.items())]:
        if not isinstance(model, BaseModel):
            continue
        for key, info in type(model).model_fields.items():
            if has_mark(info, "ui"):
                configured = getattr(model, key)
                value = chosen.get((section, key), configured)
                source = config.source_of(f"{section}.{key}")
                found.append(
                    Changeable(
                        section,
                        key,
                        info.description or "",
                        value,
                        configured,
                        source,
                        (section, key) in chosen,
                    )
                )
    return found


def check_value(section: str, key: str, value: Any) -> Any:
    """Answer the value as the setting's type has it; raises :class:`SettingError` with the reason."""
    model = type(_section(section))
    info = model.model_fields.get(key)
    if not has_mark(info, "ui") or info is None:
        names = [f"{item.section}.{item.key}" for item in changeable()]
        meant = nearest(f"{section}.{key}", names)
        hint = f" Did you mean `{meant}`?" if meant else ""
        raise SettingError(f"`{section}.{key}` cannot be changed here; it is set in callboard.yaml.{hint}")
    try:
        field_type: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
        return field_type.dump_python(field_type.validate_python(value), mode="json")
    except ValidationError as error:
        raise SettingError("; ".join(item["msg"] for item in error.errors(include_url=False))) from None
