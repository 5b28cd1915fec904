"""Open the store that the settings name."""

from __future__ import annotations

from functools import lru_cache

from callboard.plugins.techdocs.clients.store import Store
from callboard.plugins.techdocs.selectors.sources import settings
from callboard.sdk.config import portal_config


@lru_cache(maxsize=4)
def _store(url: str, options: tuple[tuple[str, str], ...]) -> Store:
    return Store(url, dict(options))


def store() -> Store:
    """Answer the store that the settings name."""
    found = settings().storage
    url = found.url or (portal_config().data_dir / "techdocs" / "sites").resolve().as_uri()
    return _store(url, tuple(sorted(found.options.items())))
