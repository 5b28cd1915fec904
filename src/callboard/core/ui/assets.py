"""Find the built assets: which file stands behind ``app.js``, and which icons the sprite holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.templatetags.static import static

DIST = Path(__file__).parent / "static" / "callboard" / "dist"
MANIFEST = DIST / "manifest.json"
FALLBACK_ICON = "point"


class AssetsMissingError(RuntimeError):
    """The assets were never built, or lack a file; the message says how to build them."""


@dataclass(frozen=True)
class Assets:
    """What the build wrote: file names by logical name, icon names of the sprite."""

    files: dict[str, str]
    icons: frozenset[str]


def assets() -> Assets:
    """Answer the manifest of the build; it is read again when a new build replaced it."""
    try:
        changed = MANIFEST.stat().st_mtime_ns
    except FileNotFoundError:
        raise AssetsMissingError(f"The assets were never built ({MANIFEST} is not there). Run: make assets") from None
    return _read(changed)


@lru_cache(maxsize=1)
def _read(_changed: int) -> Assets:
    try:
        content = json.loads(MANIFEST.read_text(encoding="utf-8"))
        return Assets(dict(content["files"]), frozenset(content["icons"]))
    except (ValueError, KeyError, TypeError) as error:
        raise AssetsMissingError(f"{MANIFEST} cannot be read ({error!r}). Run: make assets") from error


def asset_url(name: str) -> str:
    """Answer the address of a built file by its logical name, such as ``app.js``."""
    built = assets().files.get(name)
    if built is None:
        known = ", ".join(sorted(assets().files))
        raise AssetsMissingError(f"There is no built asset {name!r} (there are: {known}). Run: make assets")
    return static(f"callboard/dist/{built}")


def icon_url(name: str) -> str:
    """Answer the address of an icon in the sprite; an unknown one becomes a plain dot."""
    known = assets().icons
    return f"{asset_url('icons.svg')}#{name if name in known else FALLBACK_ICON}"
