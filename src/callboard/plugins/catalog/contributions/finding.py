"""Let the catalog be found: entities, parts of APIs, and that a change is searchable at once."""

from __future__ import annotations

from typing import Any

from callboard.plugins.catalog.search import definitions, entities
from callboard.sdk.contributions import Contribution, SearchCollator, Subscriber
from callboard.sdk.search import refresh

_READ = "catalog.entity.read"


def _renew(payload: dict[str, Any]) -> None:
    refs = [*payload["created"], *payload["changed"], *payload["removed"]]
    refresh(entities.TYPE, refs)
    refresh(definitions.TYPE, [ref for ref in refs if ref.startswith("api:")])


contributions: tuple[Contribution, ...] = (
    SearchCollator(
        id="catalog.search",
        title="Catalog",
        type=entities.TYPE,
        documents=entities.documents,
        documents_of=entities.documents_of,
        permission=_READ,
        facets=("kind", "type", "owner", "lifecycle", "system", "tag", "namespace"),
        icon="category",
        order=10,
    ),
    SearchCollator(
        id="catalog.search-definitions",
        title="APIs in detail",
        type=definitions.TYPE,
        documents=definitions.documents,
        documents_of=definitions.documents_of,
        permission=_READ,
        facets=("api", "part"),
        icon="api",
        order=30,
    ),
    Subscriber(id="catalog.search-renewed", title="Search", event="catalog.entities-changed", handle=_renew),
)
