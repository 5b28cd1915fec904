"""Read the database past the ORM, for the few questions that are asked most."""

from __future__ import annotations

from callboard.core.config.direct import fetch, literal

__all__ = ["fetch", "literal"]
