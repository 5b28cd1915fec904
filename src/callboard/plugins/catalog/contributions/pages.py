"""Put the catalog into the portal's shell: pages, navigation, commands, palette."""

from __future__ import annotations

from callboard.plugins.catalog.types.kinds import BUILTIN_KINDS
from callboard.plugins.catalog.views import (
    actions,
    entity,
    explorer,
    frame,
    ingestion,
    palette,
    register,
    sets,
    table,
    taking,
)
from callboard.sdk.contributions import Command, Contribution, NavItem, Page, PaletteSource

_READ, _LOCATIONS = "catalog.entity.read", "catalog.location.read"
_BROWSED = ("Component", "API", "System", "Resource", "Group", "User", "Template", "AiResource", "Domain")

_pages: tuple[Page, ...] = (
    Page(
        id="catalog.table", title="Catalog", path="catalog", view=table.entity_table, name="catalog", permission=_READ
    ),
    Page(
        id="catalog.register",
        title="Register a location",
        path="catalog/register",
        view=register.register,
        name="catalog-register",
        permission="catalog.location.create",
    ),
    # Links made for the original lead here.
    Page(
        id="catalog.import",
        title="Register a location",
        path="catalog-import",
        view=register.register,
        name="catalog-import",
        permission="catalog.location.create",
    ),
    Page(
        id="catalog.registered",
        title="Registered",
        path="catalog/register/<uuid:uid>",
        view=register.registered,
        name="catalog-registered",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.ingestion",
        title="Ingestion",
        path="catalog/ingestion",
        view=ingestion.problem_list,
        name="ingestion",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.ingestion-locations",
        title="Locations",
        path="catalog/ingestion/locations",
        view=ingestion.location_list,
        name="ingestion-locations",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.ingestion-removed",
        title="Removed",
        path="catalog/ingestion/removed",
        view=ingestion.removed_list,
        name="ingestion-removed",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.ingestion-sets",
        title="Pushed",
        path="catalog/ingestion/pushed",
        view=sets.set_list,
        name="ingestion-sets",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.ingestion-held",
        title="Held",
        path="catalog/ingestion/held",
        view=sets.held_list,
        name="ingestion-held",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.decide",
        title="Decide",
        path="catalog/-/decide",
        view=sets.decide_held,
        name="catalog-decide",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.set-remove",
        title="Remove a set",
        path="catalog/-/remove-set",
        view=sets.remove_set,
        name="catalog-set-remove",
        permission=_LOCATIONS,
    ),
    # No namespace can be called "-", so that these stand in no entity's way.
    Page(
        id="catalog.star", title="Star", path="catalog/-/star", view=actions.star, name="entity-star", permission=_READ
    ),
    Page(
        id="catalog.many",
        title="Picked entities",
        path="catalog/-/many",
        view=actions.act_on_many,
        name="catalog-many",
        permission=_READ,
    ),
    Page(
        id="catalog.export",
        title="Export",
        path="catalog/-/export",
        view=taking.export,
        name="catalog-export",
        permission=_READ,
    ),
    Page(
        id="catalog.keep-view",
        title="Save a view",
        path="catalog/-/views",
        view=taking.keep_view,
        name="catalog-keep-view",
        permission=_READ,
    ),
    Page(
        id="catalog.drop-view",
        title="Remove a view",
        path="catalog/-/views/<uuid:uid>/remove",
        view=taking.drop_view,
        name="catalog-drop-view",
        permission=_READ,
    ),
    Page(
        id="catalog.refresh",
        title="Refresh",
        path="catalog/-/refresh",
        view=actions.refresh,
        name="entity-refresh",
        permission=_READ,
    ),
    Page(
        id="catalog.unregister",
        title="Unregister",
        path="catalog/-/unregister",
        view=actions.unregister,
        name="catalog-unregister",
        permission=_READ,
    ),
    Page(
        id="catalog.undo", title="Undo", path="catalog/-/undo", view=actions.undo, name="catalog-undo", permission=_READ
    ),
    Page(
        id="catalog.dismiss",
        title="Dismiss",
        path="catalog/-/dismiss",
        view=actions.dismiss,
        name="catalog-dismiss",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.refresh-location",
        title="Read again",
        path="catalog/-/refresh-location",
        view=actions.refresh_location,
        name="location-refresh",
        permission=_LOCATIONS,
    ),
    Page(
        id="catalog.cards",
        title="Cards",
        path="catalog/-/cards",
        view=frame.entity_cards,
        name="entity-cards",
        permission=_READ,
    ),
    Page(
        id="catalog.graph",
        title="Graph",
        path="catalog/-/graph",
        view=entity.entity_graph,
        name="entity-graph",
        permission=_READ,
    ),
    Page(
        id="catalog.explorer",
        title="Explore relations",
        path="catalog/explore",
        view=explorer.relations_explorer,
        name="catalog-explorer",
        permission=_READ,
    ),
    # Links made for the original lead here.
    Page(
        id="catalog.graph-page",
        title="Explore relations",
        path="catalog-graph",
        view=explorer.relations_explorer,
        name="catalog-graph",
        permission=_READ,
    ),
    Page(
        id="catalog.explorer-graph",
        title="Graph",
        path="catalog/-/explore",
        view=explorer.relations_explorer_graph,
        name="catalog-explorer-graph",
        permission=_READ,
    ),
    Page(
        id="catalog.names",
        title="Names",
        path="catalog/-/names",
        view=explorer.entity_names,
        name="entity-names",
        permission=_READ,
    ),
    Page(
        id="catalog.entity",
        title="Entity",
        path="catalog/<str:namespace>/<str:kind>/<str:name>",
        view=entity.entity_overview,
        name="entity",
        permission=_READ,
    ),
    Page(
        id="catalog.entity-tab",
        title="Entity",
        path="catalog/<str:namespace>/<str:kind>/<str:name>/<slug:slug>",
        view=entity.entity_tab,
        name="entity-tab",
        permission=_READ,
    ),
)

_navigation: tuple[NavItem, ...] = (
    NavItem(id="catalog.nav", title="Catalog", page="catalog", icon="category", permission=_READ, order=20),
    NavItem(
        id="catalog.nav-explore",
        title="Explore",
        page="catalog-explorer",
        icon="topology-star-3",
        permission=_READ,
        order=22,
    ),
    NavItem(
        id="catalog.nav-ingestion",
        title="Ingestion",
        page="ingestion",
        icon="package-import",
        permission=_LOCATIONS,
        order=80,
    ),
)

_commands: tuple[Command, ...] = (
    Command(
        id="catalog.go",
        title="Catalog",
        page="catalog",
        icon="category",
        keys="g c",
        keywords=("entities", "browse", "services", "components"),
        order=20,
    ),
    Command(
        id="catalog.go-explore",
        title="Explore relations",
        page="catalog-explorer",
        icon="topology-star-3",
        keys="g x",
        keywords=("graph", "dependencies", "map", "path", "architecture"),
        permission=_READ,
        order=25,
    ),
    Command(
        id="catalog.go-ingestion",
        title="Ingestion",
        page="ingestion",
        icon="package-import",
        keys="g i",
        keywords=("problems", "errors", "rejected", "locations", "missing"),
        order=30,
    ),
    Command(
        id="catalog.do-register",
        title="Register a location",
        page="catalog-register",
        icon="plus",
        keywords=("import", "add", "new", "catalog-info", "repository"),
        create=True,
        order=40,
    ),
    Command(
        id="catalog.go-locations",
        title="Registered locations",
        page="ingestion-locations",
        icon="map-pin",
        keywords=("sources", "repositories", "unregister"),
        order=50,
    ),
    Command(
        id="catalog.go-pushed",
        title="Pushed sets",
        page="ingestion-sets",
        icon="transfer-in",
        keywords=("push", "pipeline", "terraform", "managed"),
        order=50,
    ),
    Command(
        id="catalog.go-held",
        title="Held deletions",
        page="ingestion-held",
        icon="hand-stop",
        keywords=("confirm", "mass", "bulk", "lost"),
        order=51,
    ),
    Command(
        id="catalog.go-removed",
        title="Removed entities",
        page="ingestion-removed",
        icon="trash",
        keywords=("undo", "restore", "tombstones", "deleted"),
        order=51,
    ),
    Command(
        id="catalog.go-owned",
        title="What I own",
        page="catalog",
        query="?kind=all&user=owned",
        icon="user-check",
        keywords=("mine", "owned", "my"),
        order=52,
    ),
    Command(
        id="catalog.go-starred",
        title="What I starred",
        page="catalog",
        query="?kind=all&user=starred",
        icon="star",
        keywords=("favourites", "bookmarks"),
        order=53,
    ),
    *(
        Command(
            id=f"catalog.browse-{kind.kind.lower()}",
            title=f"Browse {kind.plural}",
            page="catalog",
            query=f"?kind={kind.kind.lower()}",
            icon=kind.icon,
            keywords=(kind.kind, "catalog", "list"),
            permission=_READ,
            order=60 + kind.order,
        )
        for kind in BUILTIN_KINDS
        if kind.kind in _BROWSED
    ),
)

contributions: tuple[Contribution, ...] = (
    *_pages,
    *_navigation,
    *_commands,
    PaletteSource(id="catalog.palette", title="Catalog", find=palette.find_entities, permission=_READ, order=10),
)
