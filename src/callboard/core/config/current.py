"""The configuration of this process, read once."""

from __future__ import annotations

from functools import cache
from typing import Any

from callboard.core.config.load import load_config
from callboard.core.config.schema import PortalConfig


@cache
def portal_config() -> PortalConfig:
    """Answer the configuration this process runs with: file and environment, validated."""
    return load_config()


def room_settings(name: str) -> Any:
    """Answer the validated settings of the plugin called ``name``."""
    return portal_config().rooms[name]
