"""Load the demo organisation."""

from __future__ import annotations

import contextlib
from importlib.resources import files
from pathlib import Path

from callboard.plugins.catalog.services.locations import LocationExistsError, register_location


def demo_directory() -> Path:
    """Answer where the demo organisation lies: inside the installed package, or in the source tree."""
    packaged = Path(str(files("callboard"))) / "project" / "demo"
    if packaged.is_dir():
        return packaged
    return Path(__file__).resolve().parents[5] / "examples" / "demo"


def load_demo() -> None:
    """Register the demo organisation; safe to repeat."""
    with contextlib.suppress(LocationExistsError):
        register_location("file", str(demo_directory() / "all.yaml"))
