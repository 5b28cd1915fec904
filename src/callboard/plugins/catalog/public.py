"""What other rooms may use of the catalog."""

from __future__ import annotations

from callboard.plugins.catalog.selectors.views import EntityView, entity_view, entity_views
from callboard.plugins.catalog.selectors.overview import counts_by_kind

__all__ = ["EntityView", "counts_by_kind", "entity_view", "entity_views"]
