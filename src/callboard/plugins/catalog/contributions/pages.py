"""Put the pages of the catalog into the portal."""

from __future__ import annotations

from callboard.sdk.contributions import Contribution

contributions: tuple[Contribution, ...] = ()
