"""All routes of `/api/catalog`."""

from __future__ import annotations

from callboard.plugins.catalog.api import entities, locations
from callboard.sdk.api import router

api = router()
api.add_router("", entities.api)
api.add_router("", locations.api)
