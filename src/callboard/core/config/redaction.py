"""Show a configuration with the source of each value and without its secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from callboard.core.config.checking import has_mark
from callboard.core.config.schema import PortalConfig

HIDDEN = "********"

_URL_PASSWORD = re.compile(r"(\w[\w+.-]*://[^\s/:@]*:)[^\s@]+@")


def redacted(config: PortalConfig) -> dict[str, Any]:
    """Answer every setting as ``{"value": …, "source": …}``, nested like the file; secrets are hidden."""
    result = _section(config, "", config)
    for name, settings in sorted(config.rooms.items()):
        if isinstance(settings, BaseModel) and type(settings).model_fields:
            result[name] = _section(settings, name, config)
    return result


def hide_url_passwords(text: str) -> str:
    """Replace the password in every URL of a text."""
    return _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)


def _section(model: BaseModel, prefix: str, config: PortalConfig) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, info in type(model).model_fields.items():
        if info.exclude:
            continue
        path, value = f"{prefix}.{name}" if prefix else name, getattr(model, name)
        if isinstance(value, BaseModel):
            result[name] = _section(value, path, config)
        else:
            shown = _plain(value) if not has_mark(info, "secret") else HIDDEN if value else ""
            result[name] = {"value": shown, "source": config.source_of(path)}
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {
            name: (HIDDEN if item else item) if has_mark(info, "secret") else _plain(item)
            for name, info in type(value).model_fields.items()
            for item in [getattr(value, name)]
        }
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return hide_url_passwords(value) if isinstance(value, str) else value
