"""Read the configuration from `callboard.yaml`, the environment and the command line."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callboard.core.config import checking
from callboard.core.config.rooms import RoomModels, room_models
from callboard.core.config.schema import PortalConfig
from callboard.core.config.secret_files import earlier_secret_keys, secret_file
from callboard.core.config.sources import Gathered, gather
from callboard.lib.problems import Place, Problem, ProblemError


class ConfigError(ProblemError):
    """The configuration cannot be used; ``problems`` holds everything that is wrong with it."""


def load_config(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    make_secrets: bool = True,
) -> PortalConfig:
    """Answer the validated configuration; raises :class:`ConfigError` with every problem at once.

    ``path`` is the file, otherwise ``CALLBOARD_CONFIG`` or `callboard.yaml` here. ``overrides`` are
    values by dotted path from the command line. ``make_secrets=False`` leaves an unset secret key
    empty instead of making one in the data directory.
    """
    found = gather(path, os.environ if environ is None else environ, overrides or {})
    rooms = room_models()
    config, room_values = _validated(found, rooms)
    if config is None or found.problems:
        raise ConfigError(_unique(found.problems))
    base = found.file.parent if found.file else Path.cwd()
    checking.resolve_paths(config, base, found)
    for name, settings in room_values.items():
        checking.resolve_paths(settings, base, found, name)
    config.rooms = room_values
    config.set_sources(_sources(found), found.file)
    if make_secrets and not config.secret_key:
        config.secret_key = _own_secret_key(config.data_dir)
        config.secret_key_fallbacks += earlier_secret_keys(config.data_dir)
    return config


def _validated(found: Gathered, rooms: RoomModels) -> tuple[PortalConfig | None, dict[str, Any]]:
    installed = {*rooms.models, *rooms.broken}
    core_names = set(PortalConfig.model_fields) - {"rooms"}
    values = {key: value for key, value in found.values.items() if key not in installed or key in core_names}
    if "rooms" in values:  # where the results stand, not where they are written
        values["rooms "] = values.pop("rooms")
    config = checking.validate(PortalConfig, values, found, more_keys=installed)
    settings: dict[str, Any] = {}
    for name, model in rooms.models.items():
        given = found.values.get(name) if name not in core_names else None
        settings[name] = checking.validate(model, {} if given is None else given, found, prefix=name)
    return config if isinstance(config, PortalConfig) else None, settings


def _unique(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda p: (p.place.url, p.place.line or 0, p.place.path))


def _sources(found: Gathered) -> dict[str, str]:
    sources: dict[str, str] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict) and value:
            for key, item in value.items():
                walk(item, f"{path}.{key}" if path else key)
        elif path:
            place = found.place_of(path)
            sources[path] = place.url if place.line is None else f"{place.url}:{place.line}"

    walk(found.values, "")
    return sources


def _own_secret_key(data_dir: Path) -> str:
    try:
        return secret_file(data_dir, "secret_key", lambda: secrets.token_urlsafe(48))
    except OSError as error:
        raise ConfigError(
            Problem(
                "data-dir",
                f"The secret key cannot be read from or made in {data_dir}/secrets: {error.strerror}.",
                "Make the data directory writable, choose another one with --data-dir or CALLBOARD_DATA_DIR, "
                "or set CALLBOARD_SECRET_KEY.",
                Place(str(data_dir)),
            )
        ) from error
