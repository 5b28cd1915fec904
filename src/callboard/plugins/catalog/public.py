"""What other rooms may use of the catalog."""

from __future__ import annotations

from callboard.plugins.catalog.selectors.overview import counts_by_kind
from callboard.plugins.catalog.selectors.pages.home import (
    Attention,
    Changed,
    found_by_name,
    is_empty,
    needs_attention,
    recently_changed,
    starred_by,
)
from callboard.plugins.catalog.selectors.pages.names import Named, kind_icon, kind_title, named
from callboard.plugins.catalog.selectors.pages.people import Owned, groups_of, owned_by
from callboard.plugins.catalog.selectors.views import EntityView, entity_url, entity_view, entity_views
from callboard.plugins.catalog.services.demo import load_demo
from callboard.plugins.catalog.services.managing import as_file, delete_managed, let_go, save_entities, take_over
from callboard.plugins.catalog.services.pushing import push
from callboard.plugins.catalog.types.pushing import Pushed, PushedItem

__all__ = [
    "Attention",
    "Changed",
    "EntityView",
    "Named",
    "Owned",
    "Pushed",
    "PushedItem",
    "as_file",
    "counts_by_kind",
    "delete_managed",
    "entity_url",
    "entity_view",
    "entity_views",
    "found_by_name",
    "groups_of",
    "is_empty",
    "kind_icon",
    "kind_title",
    "let_go",
    "load_demo",
    "named",
    "needs_attention",
    "owned_by",
    "push",
    "recently_changed",
    "save_entities",
    "starred_by",
    "take_over",
]
