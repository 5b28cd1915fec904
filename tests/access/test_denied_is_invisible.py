"""A denied entity is invisible through every door: lists, counts, facets, graph, search, history, exports, agents.

Hypothesis makes up policies; all doors there are get opened under each. A door that is new must be opened here as
well, or say why it shows no entities: the first tests of this file find those that are not.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from urllib.parse import quote

import orjson
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callboard.core.registry import contract
from callboard.core.registry.store import registry
from callboard.plugins.catalog.models import Body, Entity
from callboard.plugins.catalog.tests.engine import process, register
from callboard.plugins.rbac.selectors.active import decision_of
from callboard.plugins.rbac.types.deciding import Compiled
from callboard.plugins.rbac.types.reading import read_document
from callboard.sdk.auth import act_as, create_user, forget_people, principal_of
from callboard.sdk.permissions import DefaultPolicy, to_query, use_policy
from callboard.sdk.search import rebuild

pytestmark = pytest.mark.django_db

PARAMETERS = {"namespace", "kind", "name", "uid", "path", "version"}
"""Parameters of addresses that name an entity: such doors are opened for every entity there is."""

TABS = ("relations", "source", "history", "definition", "used-by")

QUERIES = {
    "catalog.table": ("?kind=all", "?kind=component&text=zq", "?kind=all&user=owned", "?kind=system"),
    "catalog.export": ("?kind=all&format=csv", "?kind=all&format=json", "?kind=all&format=yaml"),
    "catalog.explorer": ("", "?view=table", "?root={ref}&view=table", "?fold=system"),
    "catalog.graph-page": ("",),
    "catalog.explorer-graph": ("", "?root={ref}", "?fold=system"),
    "catalog.names": ("?root=zq",),
    "catalog.cards": ("?ref={ref}",),
    "catalog.graph": ("?ref={ref}", "?ref={ref}&depth=3"),
    "catalog.entity": ("",),
    "scaffolder.gallery": ("", "?text=zq"),
    "techdocs.index": ("", "?text=zq"),
    "search.page": ("?query=zq", "?q=zq", "?query=title"),
}
"""What pages are asked for, where a plain visit would show little. ``{ref}`` is every entity in turn."""

CLOSED_PAGES = {
    "hosts": "source hosts and how to talk to them",
    "rbac": "roles, policies and requests; who is in them is for administrators of access",
    "signin": "accounts, providers and programs",
    "portal": "accounts, settings, plugins, jobs, webhooks and the audit record, each with a permission of its own",
}
"""Rooms whose pages show no entities."""
OTHER_PAGES = {
    "catalog.registered": "what one registration brought: counts by kind, for those who may see locations",
    "catalog.drop-view": "takes away a kept view",
    "sources.new": "asks where entities come from",
    "sources.action": "starts, stops and changes a source",
    "scaffolder.task": "runs of templates; each has an owner and a permission of its own",
    "scaffolder.task-live": "likewise",
    "scaffolder.task-action": "likewise",
}

READING_POSTS = {
    "/api/catalog/entities/by-query": lambda refs: {"limit": 500},
    "/api/catalog/entities/by-refs": lambda refs: {"entityRefs": refs},
    "/api/catalog/entity-facets": lambda refs: {"facets": FACETS},
    "/api/permission/authorize": lambda refs: {
        "items": [{"id": "1", "permission": {"name": "catalog.entity.read"}, "resourceRef": refs}]
    },
}
"""Operations that read by POST."""
FACETS = ["kind", "spec.owner", "metadata.tags", "relations.hasPart", "relations.hasMember", "relations.dependencyOf"]
API_QUERIES = {
    "/api/catalog/entities": ("", "?filter=kind=component", "?fields=relations"),
    "/api/catalog/entities/by-query": ("?limit=500", "?fullTextFilterTerm=zq&limit=500", "?limit=0"),
    "/api/catalog/entity-facets": ("?" + "&".join(f"facet={facet}" for facet in FACETS),),
    "/api/search/query": ("?term=zq", "?term=title", ""),
}

OTHER_APIS = {
    "/api/catalog/locations": "registered locations have a permission of their own",
    "/api/catalog/sets": "what pushed what: for those who may see locations",
    "/api/catalog/held-deletions": "likewise",
    "/api/scaffolder/v2/tasks": "runs of templates; each has an owner and a permission of its own",
    "/api/rbac/": "roles, policies, requests; for administrators of access",
    "/api/permission/": "likewise",
    "/api/auth/": "sign-in; knows the caller alone",
    "/api/scim/": "accounts and groups, for identity providers with a token of their own",
    "/api/techdocs/sync/": "streams how far a build is until it ends; of documentation that may be read",
    "/api/importers/": "reads files that the caller sends",
}
"""Beginnings of addresses of operations that show no entities, and why."""

TOOLS = {
    "search.query": ({"query": "zq", "limit": 50}, {"query": "title", "limit": 50}),
    "scaffolder.list-templates": ({}, {"text": "zq"}),
    "scaffolder.describe-template": ({"templateRef": "{ref}"},),
    "scaffolder.action.catalog:fetch": (
        {"entityRef": "{ref}", "optional": True},
        {"entityRefs": ["{ref}"], "optional": True},
    ),
}
"""What agents' tools are called with; ``{ref}`` is every entity in turn."""
OTHER_TOOLS = {
    "rbac.": "roles, policies, requests; for administrators of access",
    "scaffolder.describe-task": "runs of templates; each has an owner and a permission of its own",
    "scaffolder.action.": "works on what it is given",
}
"""Beginnings of the names of tools that show no entities, and why."""

COMPANY = {
    "apples": ("Group", "type: team, parent: zqfruit, children: []"),
    "pears": ("Group", "type: team, children: []"),
    "fruit": ("Group", "type: root, children: []"),
    "ann": ("User", "memberOf: [zqapples]"),
    "bob": ("User", "memberOf: [zqpears]"),
    "shop": ("System", "owner: zqapples, domain: zqtrade"),
    "trade": ("Domain", "owner: zqfruit"),
    "basket": ("Component", "type: service, lifecycle: production, owner: zqapples, system: zqshop, providesApis: [zqbasketapi]"),
    "till": ("Component", "type: service, lifecycle: production, owner: zqpears, system: zqshop, dependsOn: [component:zqbasket], consumesApis: [zqbasketapi]"),
    "peel": ("Component", "type: library, lifecycle: experimental, owner: zqpears, subcomponentOf: zqbasket"),
    "basketapi": ("API", "type: openapi, lifecycle: production, owner: zqpears, definition: 'zqdefinition'"),
    "maker": ("Template", "type: service, owner: zqpears, steps: [{id: log, action: 'debug:log'}]"),
    "store": ("Resource", "type: database, owner: zqapples, system: zqshop, dependencyOf: [component:zqtill]"),
}  # fmt: skip
VERSION, VERSIONS = "backstage.io/v1alpha1", {"Template": "scaffolder.backstage.io/v1beta3"}


def company_text(*, later=False):
    documents = []
    for name, (kind, spec) in COMPANY.items():
        secret = f"{name}secret{'later' if later else ''}"
        documents.append(
            f"apiVersion: {VERSIONS.get(kind, VERSION)}\nkind: {kind}\nmetadata: {{name: zq{name}, title: zqtitle {secret}, description: {secret}, "
            f"tags: [tag-{name}secret], annotations: {{note: {secret}}}}}\nspec: {{{spec}}}\n"
        )
    return "---\n".join(documents)


# --- Every door is known ----------------------------------------------------------------


def parameters(path):
    return set(re.findall(r"<(?:\w+:)?(\w+)>", path)) | set(re.findall(r"\{(\w+)\}", path))


def pages():
    """Answer the pages to open."""
    for plugin, page in registry.every(contract.Page):
        if not page.anonymous and plugin not in CLOSED_PAGES and parameters(page.path) <= PARAMETERS | {"slug"}:
            yield page


def operations(client):
    """Answer ``(method, address)`` of every operation of every API."""
    for _, router in registry.every(contract.ApiRouter):
        document = client.get(f"/api/{router.prefix}/openapi.json").json()
        for path, operation in document["paths"].items():
            if "/.well-known/" not in path:
                yield from ((method, path) for method in operation if method in {"get", "post"})


def test_every_page_with_parameters_of_its_own_says_why_it_shows_no_entities():
    strange = [
        page.id
        for plugin, page in registry.every(contract.Page)
        if not page.anonymous
        and not parameters(page.path) <= PARAMETERS | {"slug"}
        and plugin not in CLOSED_PAGES
        and page.id not in OTHER_PAGES
    ]
    assert strange == [], "open them in this test, or say in OTHER_PAGES why they show no entities"


def test_every_operation_that_reads_is_opened_or_says_why_it_shows_no_entities(ann):
    strange = [
        f"{method} {path}"
        for method, path in operations(ann)
        if method == "get" and not parameters(path) <= PARAMETERS and not path.startswith(tuple(OTHER_APIS))
    ]
    assert strange == [], "open them in this test, or say in OTHER_APIS why they show no entities"


def test_every_tool_that_reads_is_called_or_says_why_it_shows_no_entities():
    strange = [
        tool.id
        for _, tool in registry.every(contract.McpTool)
        if tool.read_only and tool.id not in TOOLS and not tool.id.startswith(tuple(OTHER_TOOLS))
    ]
    assert strange == [], "call them in this test, or say in OTHER_TOOLS why they show no entities"
    assert registry.every(contract.McpResource) == [], "open resources for agents in this test"


# --- Nothing shows -----------------------------------------------------------------------

leaves = st.one_of(
    st.lists(st.sampled_from(["Component", "API", "System", "Group", "User", "Resource", "Domain", "Template"]), min_size=1, max_size=4)
    .map(lambda kinds: {"rule": "IS_ENTITY_KIND", "params": {"kinds": kinds}}),
    st.sampled_from(["$ownerRefs", "group:default/zqpears", "group:default/zqfruit"])
    .map(lambda claim: {"rule": "IS_ENTITY_OWNER", "params": {"claims": [claim]}}),
    st.sampled_from(["production", "experimental"])
    .map(lambda value: {"rule": "HAS_SPEC", "params": {"key": "lifecycle", "value": value}}),
    st.sampled_from(sorted(COMPANY)).map(lambda name: {"rule": "HAS_METADATA", "params": {"key": "name", "value": f"zq{name}"}}),
    st.sampled_from(sorted(COMPANY)).map(lambda name: {"rule": "HAS_ANNOTATION", "params": {"annotation": "note"}}),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"allOf": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)


class Fixed:
    """A policy under which everybody does everything but administration, and sees the entities that meet a condition."""

    def __init__(self, condition):
        read = {"allow": "catalog.entity.read", **({"if": condition} if condition else {})}
        data = {"name": "everyone", "members": ["everyone"], "decisions": [
            {"deny": "catalog.entity.read"} if condition is None else read,
            {"deny": {"administrative": True}},
            {"allow": "all"},
        ]}  # fmt: skip
        self.compiled = Compiled(read_document({"roles": [data]}))

    def decide(self, permission, who):
        return decision_of(self.compiled, permission, who, datetime.now(UTC))


@pytest.fixture
def person(db):
    return create_user("zqann", email="zqann@example.org")


@pytest.fixture
def ann(person):
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def company(person, tmp_path):
    file = tmp_path / "catalog-info.yaml"
    file.write_text(company_text())
    source = register(file)
    # A second state of everything, so that there is history.
    file.write_text(company_text(later=True))
    process(source)
    forget_people()
    for collator in registry.of(contract.SearchCollator):
        rebuild(collator.type)
    yield
    use_policy(DefaultPolicy())


@pytest.fixture(autouse=True)
def _afterwards():
    yield
    use_policy(DefaultPolicy())


def said(response):
    if getattr(response, "streaming", False):
        return b"".join(response.streaming_content).decode("utf-8", "replace")
    return response.content.decode("utf-8", "replace")


def visits(refs, uids):
    """Answer every address to visit, with the entity in it."""
    for page in pages():
        for query in QUERIES.get(page.id, ("",)):
            named = parameters(page.path)
            many = refs if named or "{ref}" in query else refs[:1]
            for ref in many:
                yield from (
                    (f"{address}{query.format(ref=quote(ref))}", ref if named or "{ref}" in query else "")
                    for address in addresses("/" + page.path, ref, uids[ref])
                )


def addresses(path, ref, uid):
    kind, _, rest = ref.partition(":")
    namespace, _, name = rest.partition("/")
    values = {"kind": kind, "namespace": namespace, "name": name, "uid": uid, "path": "index.html", "version": "v1"}
    filled = re.sub(r"<(?:\w+:)?(\w+)>|\{(\w+)\}", lambda m: values.get(m[1] or m[2], "{slug}"), path)
    return [filled.replace("{slug}", tab) for tab in TABS] if "{slug}" in filled else [filled]


def open_doors(client, person, refs, uids):
    """Yield ``(door, what it said, the entity that was asked for)`` for every door there is."""
    for address, ref in visits(refs, uids):
        yield address, said(client.get(address)), ref
    for method, path in operations(client):
        if path.startswith(tuple(OTHER_APIS)) and path not in READING_POSTS:
            continue
        if method == "get" and parameters(path) <= PARAMETERS:
            many = refs if parameters(path) else refs[:1]
            for ref in many:
                for query in API_QUERIES.get(path, ("",)):
                    for address in addresses(path, ref, uids[ref]):
                        yield (
                            f"GET {address}{query}",
                            said(client.get(address + query)),
                            ref if parameters(path) else "",
                        )
    for path, body in READING_POSTS.items():
        yield f"POST {path}", said(client.post(path, body(refs), content_type="application/json")), "all"
    for text in ("zq", "zqbask", "secret"):
        yield f"palette {text}", said(client.get("/palette", {"q": text})), ""
    with act_as(principal_of(person), "agent"):
        for name, calls in TOOLS.items():
            tool = registry.find(contract.McpTool, name)
            for arguments in calls:
                for ref in refs if "{ref}" in json.dumps(arguments) else refs[:1]:
                    asked = ref if "{ref}" in json.dumps(arguments) else ""
                    filled = json.loads(json.dumps(arguments).replace("{ref}", ref))
                    yield f"tool {name} {ref}", answer_of(tool, filled), asked


def answer_of(tool, arguments):
    """Answer what a tool says, which may be that there is no such thing."""
    try:
        return json.dumps(tool.call(arguments), default=str)
    except Exception as error:
        return str(error)


def own_words(ref):
    """Answer what an entity says itself, without what the portal adds."""
    entity = orjson.loads(Body.objects.get(entity__ref=ref).json)
    entity.pop("relations", None)
    return json.dumps(entity)


@settings(
    max_examples=5, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(condition=conditions)
def test_what_is_denied_shows_nowhere(company, ann, person, condition):
    check(ann, person, condition)


def test_under_a_plain_denial_nothing_shows(company, ann, person):
    check(ann, person, None)


def check(ann, person, condition):
    policy = Fixed(condition)
    use_policy(policy)
    decision = policy.decide(registry.find(contract.Permission, "catalog.entity.read"), principal_of(person))
    ours = Entity.objects.filter(name__startswith="zq")
    rows = dict(ours.values_list("ref", "uid"))
    shown = (
        set()
        if decision.criteria is None
        else set(ours.filter(to_query(decision.criteria)).values_list("ref", flat=True))
    )
    hidden = rows.keys() - shown
    words = "".join(own_words(ref) for ref in shown)
    # Whoever is signed in knows their own name and teams.
    mentioned = {ref for ref in hidden if name_of(ref) in words} | set(principal_of(person).ownership_refs)
    leaks = []
    # A page of an entity is opened for some that may be seen and some that may not.
    asked_for = [*sorted(shown)[:2], *sorted(hidden)[:1]]
    for door, text, asked in open_doors(ann, person, asked_for, {ref: str(uid) for ref, uid in rows.items()}):
        for ref in hidden:
            secret = f"{name_of(ref).removeprefix('zq')}secret"
            if secret in text:
                leaks.append(f"{door}: says what {ref} is about")
            if asked not in {ref, "all"} and ref not in mentioned and re.search(rf"\b{name_of(ref)}\b", text):
                leaks.append(f"{door}: names {ref}")
    assert not leaks, f"{condition}\n" + "\n".join(sorted(set(leaks))[:40])
    every = ann.get("/api/catalog/entities/by-query?limit=500").json()
    found = [item for item in every["items"] if item["metadata"]["name"].startswith("zq")]
    assert len(found) == len(shown)
    facets = ann.get("/api/catalog/entity-facets?facet=kind").json()["facets"]["kind"]
    assert sum(item["count"] for item in facets) == every["totalItems"]


def name_of(ref):
    return ref.rpartition("/")[2]
