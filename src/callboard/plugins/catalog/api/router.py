"""All routes of `/api/catalog`."""

from __future__ import annotations

from callboard.plugins.catalog.api import entities, locations, sets
from callboard.sdk.api import router

api = router()
api.add_router("", entities.api)
api.add_router("", locations.api)
api.add_router("", sets.api)
