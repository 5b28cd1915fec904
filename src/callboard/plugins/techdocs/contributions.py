"""Everything the documentation adds to the portal."""

from __future__ import annotations

from collections.abc import Callable

from callboard.plugins.techdocs import jobs, search
from callboard.plugins.techdocs.api.router import api
from callboard.plugins.techdocs.selectors.sources import has_docs
from callboard.plugins.techdocs.services.changes import follow_entities
from callboard.plugins.techdocs.views import entity, index, palette, parts, reader, reports
from callboard.sdk.contributions import (
    ApiRouter,
    CliCommand,
    Command,
    Contribution,
    EntityCard,
    EntityTab,
    EventType,
    Job,
    NavItem,
    Page,
    PaletteSource,
    Permission,
    SearchCollator,
    Service,
    Subscriber,
    Widget,
)

_READ = "catalog.entity.read"
_TEXT = {"type": "string"}


def _schema(required: list[str], **properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": required}


_SITE = "docs/<str:namespace>/<str:kind>/<str:name>"


def _page(slug: str, path: str, view: Callable[..., object], title: str = "Documentation") -> Page:
    name = "techdocs" if slug == "index" else f"techdocs-{slug}"
    return Page(id=f"techdocs.{slug}", title=title, path=path, view=view, name=name, permission=_READ)


pages: tuple[Page, ...] = (
    _page("index", "docs", index.shelf, "Docs"),
    # No namespace can be called "-", so that these stand in no site's way.
    _page("care", "docs/-/care", reports.care, "Docs that need care"),
    _page("build", "docs/-/build", parts.build),
    _page("log", "docs/-/log", parts.log),
    _page("versions", "docs/-/versions", parts.versions),
    _page("find", "docs/-/find", parts.find),
    _page("vote", "docs/-/vote", parts.vote),
    _page("remark", "docs/-/remark", parts.remark),
    _page("close", "docs/-/close", parts.close),
    _page("site", _SITE, reader.page),
    _page("root", f"{_SITE}/", reader.page),
    _page("page", f"{_SITE}/<path:path>", reader.page),
)

doors: tuple[Contribution, ...] = (
    NavItem(id="techdocs.nav", title="Docs", page="techdocs", icon="book", permission=_READ, order=30),
    Command(
        id="techdocs.go",
        title="Docs",
        page="techdocs",
        icon="book",
        keys="g d",
        keywords=("documentation", "techdocs", "handbook", "runbook", "read"),
        order=25,
    ),
    Command(
        id="techdocs.go-mine",
        title="Docs of what I own",
        page="techdocs",
        query="?whose=owned",
        icon="book-2",
        keywords=("documentation", "mine", "my"),
        order=54,
    ),
    Command(
        id="techdocs.go-care",
        title="Docs that need care",
        page="techdocs-care",
        icon="stethoscope",
        keywords=("stale", "broken links", "feedback", "remarks", "failed", "documentation"),
        order=55,
    ),
    PaletteSource(id="techdocs.palette", title="Docs", find=palette.find_pages, permission=_READ, order=20),
    EntityTab(
        id="techdocs.tab", title="Docs", slug="docs", render=entity.tab, when=has_docs, permission=_READ, order=20
    ),
    EntityCard(
        id="techdocs.card", title="Docs", render=entity.card, size="small", when=has_docs, permission=_READ, order=30
    ),
    Widget(
        id="techdocs.widget", title="Docs", render=entity.widget, size="medium", icon="book", permission=_READ, order=40
    ),
    ApiRouter(
        id="techdocs.api",
        title="TechDocs",
        prefix="techdocs",
        router=api,
        description="Metadata, files and builds of documentation.",
    ),
    CliCommand(id="techdocs.cli", title="Docs", name="techdocs", app="callboard.plugins.techdocs.cli:app"),
)

work: tuple[Contribution, ...] = (
    Permission(
        id="techdocs.feedback.create",
        title="Say what is wrong or helpful in documentation",
        action="create",
        harmless=True,
    ),
    Permission(
        id="techdocs.feedback.manage",
        title="Close anybody's remarks on documentation",
        action="update",
        administrative=True,
    ),
    Job(
        id="techdocs.build",
        title="Build documentation",
        run=jobs.build,
        queue="default",
        timeout=3900,
    ),
    Job(
        id="techdocs.refresh",
        title="Look for changed documentation",
        run=jobs.refresh,
        schedule="*/5 * * * *",
        lock="techdocs.refresh",
        hidden=True,
    ),
    Service(id="techdocs.local-docs", title="Watch local documentation", run=jobs.keep_local_docs_fresh),
    Subscriber(
        id="techdocs.follow-entities",
        title="Follow entities to their documentation",
        event="catalog.entities-changed",
        handle=follow_entities,
    ),
    SearchCollator(
        id="techdocs.search",
        title="Docs",
        type=search.TYPE,
        documents=search.documents,
        documents_of=search.documents_of,
        permission=_READ,
        facets=("kind", "owner", "lifecycle"),
        icon="book",
        order=20,
    ),
    Subscriber(
        id="techdocs.find-sites",
        title="Let new documentation be found",
        event="techdocs.site-built",
        handle=search.follow_site,
    ),
    Subscriber(
        id="techdocs.find-entities",
        title="Let documentation be found under its entity's words",
        event="catalog.entities-changed",
        handle=search.follow_entities,
    ),
    EventType(
        id="techdocs.site-built",
        title="Documentation was built",
        description="A new build is served; `changed` lists the paths of pages whose text is different.",
        schema=_schema(
            ["ref", "version", "pages", "changed"],
            ref=_TEXT,
            version=_TEXT,
            pages={"type": "integer"},
            changed={"type": "array", "items": _TEXT},
        ),
    ),
    EventType(
        id="techdocs.build-failed",
        title="Documentation could not be built",
        schema=_schema(["ref", "version", "error"], ref=_TEXT, version=_TEXT, error=_TEXT),
    ),
    EventType(
        id="techdocs.remark-left",
        title="A reader left a remark on documentation",
        schema=_schema(
            ["ref", "version", "path", "text", "quote", "author"],
            ref=_TEXT,
            version=_TEXT,
            path=_TEXT,
            text=_TEXT,
            quote=_TEXT,
            author=_TEXT,
        ),
    ),
    EventType(
        id="techdocs.remark-closed",
        title="A remark on documentation was closed",
        schema=_schema(["ref", "path", "text"], ref=_TEXT, path=_TEXT, text=_TEXT),
    ),
    EventType(
        id="techdocs.page-voted",
        title="A reader said whether a page helped",
        schema=_schema(
            ["ref", "version", "path", "helpful"], ref=_TEXT, version=_TEXT, path=_TEXT, helpful={"type": "boolean"}
        ),
    ),
)

contributions: tuple[Contribution, ...] = (*pages, *doors, *work)
