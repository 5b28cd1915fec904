"""The contribution points: every kind of thing a plugin may add to the portal.

Each is a small frozen dataclass, so that a list of contributions reads like a table of contents.
Importing this module needs no Django, no database, no network.

Shared fields of every contribution:

``id``          unique and prefixed with the plugin's name (``catalog.entity-table``); others refer to it.
``title``       what people read, in English; the UI translates it when it is shown.
``permission``  id of the permission a caller needs; ``None`` leaves that to the page or service behind it.
``order``       smaller comes first among contributions of the same point.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What all contributions have in common."""

    id: str
    title: str = ""
    permission: str | None = None
    order: int = 100


# --- Pages and navigation ---------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Page(Contribution):
    """A page of the portal at ``path``; ``name`` is how templates and views link to it.

    ``path`` is a Django path pattern without leading slash (``catalog/<str:namespace>/``).
    ``view`` takes the request and the path's arguments and answers with a response.
    A page asks for sign-in unless ``anonymous`` is set.
    """

    path: str
    view: Callable[..., Any]
    name: str
    anonymous: bool = False


@dataclass(frozen=True, kw_only=True)
class NavItem(Contribution):
    """An entry of the side bar: ``page`` names the page it opens.

    ``badge`` answers a short text for the current request (a count), or nothing.
    """

    page: str
    icon: str
    section: Literal["main", "admin"] = "main"
    badge: Callable[[Any], str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Command(Contribution):
    """An entry of the command palette that opens ``page`` (with ``query`` appended, if any).

    ``keys`` is a keyboard shortcut such as ``g c``; ``keywords`` are further words that find it.
    ``create`` puts it behind the button "Create" of the top bar as well.
    """

    page: str
    query: str = ""
    icon: str = "arrow-right"
    keys: str = ""
    keywords: tuple[str, ...] = ()
    create: bool = False


@dataclass(frozen=True, kw_only=True)
class PaletteSource(Contribution):
    """Live results for the command palette: ``find(request, text, limit)`` yields entries."""

    find: Callable[[Any, str, int], Iterable[PaletteEntry]]


@dataclass(frozen=True, kw_only=True)
class PaletteEntry:
    """One live result of a :class:`PaletteSource`.

    ``group`` is the heading it stands under, the source's title unless given. ``note`` is an address that is told
    (by POST) when somebody chooses it. ``last`` puts it below pages and commands: a way on, not a find.
    """

    title: str
    url: str
    subtitle: str = ""
    icon: str = "arrow-right"
    group: str = ""
    note: str = ""
    last: bool = False


@dataclass(frozen=True, kw_only=True)
class SettingsPage(Contribution):
    """A tab under Settings; ``page`` names the page it opens."""

    page: str
    icon: str = "settings"


@dataclass(frozen=True, kw_only=True)
class Widget(Contribution):
    """A card on the home page; ``render(request)`` answers HTML that is safe to show."""

    render: Callable[[Any], str]
    size: Literal["small", "medium", "large"] = "medium"
    icon: str = "layout-dashboard"


@dataclass(frozen=True, kw_only=True)
class Theme(Contribution):
    """Colours of the shell: CSS custom properties by name, for light and for dark."""

    light: Mapping[str, str]
    dark: Mapping[str, str]


# --- The catalog -------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RelationField:
    """A ``spec`` field that names other entities and thereby makes relations.

    ``path``          dotted path in the entity, such as ``spec.providesApis``; a string or a list.
    ``relation``      the type of the relation from the entity that holds the field.
    ``default_kind``  the kind meant by a ref that names none; ``None`` makes it an error.
    ``allowed_kinds`` kinds a ref may point to; empty allows all.
    """

    path: str
    relation: str
    default_kind: str | None
    allowed_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EntityKind(Contribution):
    """A kind of entity: which ``apiVersion`` it answers to, how its spec looks, what it relates to.

    ``schema`` is a JSON Schema (2020-12) of the whole entity; it is applied after the envelope.
    ``order`` is the place in the kind switch of the catalog.
    """

    kind: str
    plural: str
    api_versions: tuple[str, ...]
    schema: JsonObject
    relation_fields: tuple[RelationField, ...] = ()
    icon: str = "box"
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Relation(Contribution):
    """A pair of relation types: what it is called from either side."""

    type: str
    inverse: str
    inverse_title: str


@dataclass(frozen=True, kw_only=True)
class EntityTab(Contribution):
    """A tab on the page of an entity; ``render(request, entity)`` answers safe HTML.

    ``entity`` is the public view of an entity (``callboard.plugins.catalog.public.EntityView``).
    ``kinds`` is empty for every kind; ``when(entity)`` narrows further.
    """

    slug: str
    render: Callable[[Any, Any], str]
    kinds: tuple[str, ...] = ()
    icon: str = ""
    when: Callable[[Any], bool] | None = None
    badge: Callable[[Any], str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class EntityCard(Contribution):
    """A card on the overview of an entity; ``render(request, entity)`` answers safe HTML or ``""``."""

    render: Callable[[Any, Any], str]
    kinds: tuple[str, ...] = ()
    size: Literal["small", "medium", "large"] = "medium"
    when: Callable[[Any], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """What a provider says of its bucket: everything (``full``) or a difference (``delta``).

    ``entities`` are plain entity objects; ``removed`` are entity refs (delta only). ``refresh`` are targets of
    locations that the provider named and that have changed since: they are read again at once.
    """

    type: Literal["full", "delta"]
    entities: tuple[JsonObject, ...] = ()
    removed: tuple[str, ...] = ()
    refresh: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CatalogProvider(Contribution):
    """A source that pushes entities: ``changes()`` yields mutations of the provider's own bucket.

    ``schedule`` is a cron expression; empty means it runs only when asked to. ``trusted`` says whether files that
    it names as locations may bring people and groups.
    """

    changes: Callable[[], Iterator[Mutation]]
    schedule: str = ""
    trusted: bool = True


@dataclass(frozen=True, kw_only=True)
class CatalogProcessor(Contribution):
    """Change or complete an entity on its way in: ``process(entity, location)`` answers the entity.

    ``pre`` runs before validation, ``post`` after it. Raising ``ValueError`` rejects the entity with the message
    as reason; anything else that is raised is reported as a fault of the processor.
    """

    process: Callable[[dict[str, Any], str], dict[str, Any]]
    stage: Literal["pre", "post"] = "pre"


@dataclass(frozen=True, kw_only=True)
class ImportNote:
    """What an importer did with one part of a file: kept it as it was, mapped it to something else, or dropped it.

    ``path`` is where it stands in the file, ``to`` where it went, or why it went nowhere.
    """

    path: str
    result: Literal["kept", "mapped", "dropped"]
    to: str = ""
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Importer(Contribution):
    """Reader of another tool's file format: ``read(text, url)`` yields entity objects, and notes of what it did.

    ``file_names`` are names such as ``compass.yml`` or patterns such as ``*.port.json``. Files of these names
    are found in directories and repositories beside the portal's own, unless one of those stands beside them.
    Raising ``ValueError`` says what is wrong with the file.
    """

    file_names: tuple[str, ...]
    read: Callable[[str, str], Iterable[JsonObject | ImportNote]]


# --- Search, templates, scorecards -------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SearchDocument:
    """One thing that can be found: a service, a section of a page, an operation of an API.

    ``location``  where it leads: a path of the portal or an http(s) address; with an anchor for a section.
    ``key``       what tells it from the others of its type; the location, unless given.
    ``ref``       the thing it is a part of (an entity ref, a space); documents of one ref are renewed together.
    ``text``      what it says, as plain text or Markdown; ``keywords`` are further words that find it, never shown.
    ``fields``    what people filter by (``kind:api``) and pages show; a value or several.
    ``owner``     entity ref of who owns it, so that people find what is theirs first.
    ``language``  ``english``, ``german``, ``indonesian`` or ``simple``; empty lets the portal guess.
    ``authorization_ref`` is the resource whose read permission guards it; see :class:`SearchCollator`.
    ``weight``    1 is usual; less for parts of things, more for what people mostly mean.
    """

    title: str
    text: str
    location: str
    key: str = ""
    ref: str = ""
    keywords: str = ""
    authorization_ref: str = ""
    owner: str = ""
    language: str = ""
    changed_at: datetime | None = None
    weight: float = 1.0
    fields: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SearchCollator(Contribution):
    """A type of search document and how to list them.

    ``documents()`` yields them all, in any order: whatever the index has beyond them goes. ``documents_of(refs)``
    yields those of some refs, so that a change is found at once: a subscriber of yours calls
    ``callboard.sdk.search.refresh(type, refs)``. ``every_minutes`` lists everything again that often; without it
    that happens once a night.

    ``permission`` guards the type. Where its decision is a condition on a resource type, only documents are
    found whose ``authorization_ref`` meets it; a document without one is then not found.
    ``facets`` names the fields that people may filter by, in the order of the page.
    """

    type: str
    documents: Callable[[], Iterable[SearchDocument]]
    documents_of: Callable[[Sequence[str]], Iterable[SearchDocument]] | None = None
    every_minutes: int = 0
    facets: tuple[str, ...] = ()
    icon: str = "file"


@dataclass(frozen=True, kw_only=True)
class ActionExample:
    """How an action is used: what the example shows, and the input of the step."""

    description: str
    input: JsonObject


@dataclass(frozen=True, kw_only=True)
class ScaffolderAction(Contribution):
    """A step that templates may use; ``run(input, context)`` answers the step's output.

    The same action is a command (``callboard action run``) and a tool for agents.

    ``local``       it touches nothing but the workspace, so that it may run again, and runs in a dry run.
    ``read_only``   it changes nothing anywhere.
    ``idempotent``  to do it twice is as good as once; anything else is never repeated unasked.
    ``destructive`` it may remove what it did not make.
    ``dry_run``     answers what the step would answer, without doing it; without it, a dry run only
                    says that the step is left out.
    ``undo``        takes back one receipt that the action wrote: ``undo(receipt, context)``.
    """

    input_schema: JsonObject
    output_schema: JsonObject
    run: Callable[[dict[str, Any], Any], dict[str, Any]]
    description: str = ""
    examples: tuple[ActionExample, ...] = ()
    local: bool = False
    read_only: bool = False
    idempotent: bool = False
    destructive: bool = False
    dry_run: Callable[[dict[str, Any], Any], dict[str, Any]] | None = None
    undo: Callable[[JsonObject, Any], None] | None = None


@dataclass(frozen=True, kw_only=True)
class FormField(Contribution):
    """A form widget by its ``ui:field`` name; ``template`` renders it, ``validate`` answers messages."""

    field: str
    template: str
    validate: Callable[[Any, JsonObject], list[str]] | None = None


@dataclass(frozen=True, kw_only=True)
class TemplateFilter(Contribution):
    """A filter for ``${{ value | name }}`` in templates."""

    name: str
    apply: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class FactCollector(Contribution):
    """Collect a fact about entities: ``collect(refs)`` yields ``(ref, value)``."""

    schema: JsonObject
    collect: Callable[[Iterable[str]], Iterator[tuple[str, Any]]]
    kinds: tuple[str, ...] = ()
    schedule: str = ""


@dataclass(frozen=True, kw_only=True)
class Check(Contribution):
    """A yes-or-no question on facts; ``passes(facts)`` answers ``None`` where it cannot tell."""

    facts: tuple[str, ...]
    passes: Callable[[Mapping[str, Any]], bool | None]
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Track(Contribution):
    """Levels in rising order, each a name and the checks it asks for."""

    levels: tuple[tuple[str, tuple[str, ...]], ...]
    kinds: tuple[str, ...] = ()


# --- Access ------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Permission(Contribution):
    """Something that may be allowed or denied. ``id`` is its wire name (``catalog.entity.read``).

    ``harmless`` says that everybody who is signed in may do it by default, although it is no reading.
    ``administrative`` says that by default it is for administrators; ids that begin with ``admin.`` are.
    """

    action: Literal["create", "read", "update", "delete", ""] = ""
    resource_type: str = ""
    description: str = ""
    harmless: bool = False
    administrative: bool = False

    @property
    def for_administrators(self) -> bool:
        """Whether it is for administrators by default."""
        return self.administrative or self.id.startswith("admin.")


@dataclass(frozen=True, kw_only=True)
class Rule(Contribution):
    """A condition on resources of one type. ``id`` is its wire name (``IS_ENTITY_OWNER``).

    ``query(params)`` answers a Django ``Q`` on the resource's model, ``reason(params)`` says it in words.
    """

    resource_type: str
    params_schema: JsonObject
    query: Callable[[JsonObject], Any]
    reason: Callable[[JsonObject], str]
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class ResourceType(Contribution):
    """How rules are applied to one type of resource. ``id`` is its wire name (``catalog-entity``).

    ``queryset()`` answers all resources, ``lookup(ref)`` a ``Q`` that finds one by its ref. ``ref_field`` names the
    field that holds the ref, if there is one: then thousands are checked in one query. ``canonical(ref)`` answers a ref
    the way that field spells it.
    """

    queryset: Callable[[], Any]
    lookup: Callable[[str], Any]
    ref_field: str = ""
    canonical: Callable[[str], str] = str


# --- Work and what happened ----------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Job(Contribution):
    """Long work: ``run(context, **arguments)``; ``context`` reports progress and log and notices cancel.

    ``schedule`` is a cron expression (five fields, UTC). ``lock`` lets one run at a time.
    ``retries`` counts further tries after the first; ``timeout`` is in seconds.
    """

    run: Callable[..., Any]
    schedule: str = ""
    queue: str = "default"
    lock: str = ""
    retries: int = 0
    timeout: int = 3600
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Service(Contribution):
    """Something that runs beside the jobs for as long as a worker lives: a watcher, a listener.

    ``run(stop)`` returns soon after the event ``stop`` is set, or earlier when there is nothing to do.
    When it raises, it is started again after a pause. Every worker runs it, so it must bear company.
    """

    run: Callable[[threading.Event], None]


@dataclass(frozen=True, kw_only=True)
class EventType(Contribution):
    """A kind of event. ``id`` is its name on the wire (``catalog.entities-changed``)."""

    schema: JsonObject
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Subscriber(Contribution):
    """Something done after an event: ``handle(payload)`` runs in a worker, at least once."""

    event: str
    handle: Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class NotificationType(Contribution):
    """A kind of message to people, with the channels it uses unless they choose otherwise."""

    template: str
    channels: tuple[str, ...] = ("in-app",)


# --- Doors -------------------------------------------------------------------


ExpressRead = Callable[[str, str, str, bytes], Any]
"""Answers a request for an API at once, or leaves it."""


@dataclass(frozen=True, kw_only=True)
class ApiRouter(Contribution):
    """A django-ninja router mounted at ``/api/<prefix>``, with its own OpenAPI document.

    ``express`` answers the reads that are asked most, called with method, path below the prefix, query string
    and body before anything else: the JSON text, a response, or ``None`` to leave the request to the router. The
    caller is known by then, permissions are asked for by whoever answers.
    """

    prefix: str
    router: Any
    description: str = ""
    express: ExpressRead | None = None


@dataclass(frozen=True, kw_only=True)
class CliCommand(Contribution):
    """A Typer application that becomes ``callboard <name> …``.

    ``app`` is the application, or ``package.module:name`` of it, which is imported when the command
    runs and not whenever the portal starts.
    """

    name: str
    app: Any


@dataclass(frozen=True, kw_only=True)
class McpTool(Contribution):
    """A tool for coding agents: ``call(arguments)`` answers JSON."""

    description: str
    input_schema: JsonObject
    call: Callable[[dict[str, Any]], Any]
    read_only: bool = True
    idempotent: bool = True
    destructive: bool = False


@dataclass(frozen=True, kw_only=True)
class McpResource(Contribution):
    """Something agents may read: ``read(uri)`` answers text."""

    uri_template: str
    read: Callable[[str], str]
    mime_type: str = "text/plain"


# --- Care --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HealthCheck(Contribution):
    """A check for ``callboard doctor`` and the administration page; raising is a failure."""

    check: Callable[[], HealthResult]


@dataclass(frozen=True, kw_only=True)
class HealthResult:
    """What a health check found and, where something is wrong, how to mend it."""

    status: Literal["ok", "warning", "error"]
    message: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Metric(Contribution):
    """A number for Prometheus and insights: ``read()`` yields ``(labels, value)``."""

    name: str
    unit: str
    read: Callable[[], Iterable[tuple[Mapping[str, str], float]]]
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Flag(Contribution):
    """A feature flag: ``id`` is its key, ``expires`` an ISO date after which it must be gone."""

    default: bool
    owner: str
    expires: str = ""


@dataclass(frozen=True, kw_only=True)
class Shredder(Contribution):
    """Personal data the plugin holds: how to export it and how to erase it, by user ref."""

    export: Callable[[str], JsonObject]
    erase: Callable[[str], int]


@dataclass(frozen=True, kw_only=True)
class DemoData(Contribution):
    """Sample data for ``--demo``: ``load()`` must be safe to repeat."""

    load: Callable[[], None]
