"""Reading entities over HTTP: lists, pages, filters, single ones."""

import base64
from urllib.parse import urljoin

import orjson
import pytest

from callboard.plugins.catalog.models import Entity
from callboard.plugins.catalog.tests.api import BASE, Api, demo_organisation, names, ref_of
from callboard.plugins.catalog.tests.engine import component, process, register, write
from callboard.plugins.catalog.types.filters import filter_matches, parse_filters
from callboard.plugins.catalog.types.terms import search_values

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def demo(django_db_setup, django_db_blocker):
    with demo_organisation(django_db_blocker):
        yield


@pytest.fixture
def api():
    return Api("read")


@pytest.fixture
def everything(api):
    return Listed(api.get("/entities"))


class Listed(list):
    def __repr__(self):
        return f"<{len(self)} entities>"


# --- GET /entities ---------------------------------------------------------------


def test_all_entities_are_listed_by_ref_without_a_limit(api, everything):
    refs = [ref_of(e) for e in everything]
    assert len(refs) == Entity.objects.count() > 140
    assert refs == sorted(refs)
    assert all(e["metadata"]["uid"] and e["metadata"]["etag"] for e in everything)
    assert all(set(r) == {"type", "targetRef"} for e in everything for r in e["relations"])


@pytest.mark.parametrize(
    "filters",
    [
        ["kind=component"],
        ["KIND=Component,spec.Type=SERVICE"],
        ["kind=component,kind=api"],
        ["kind=component,spec.type=service", "kind=group"],
        ["metadata.tags=java"],
        ["metadata.tags.java"],
        ["metadata.tags.java=true"],
        ["metadata.tags.java=false"],
        ["metadata.annotations.backstage.io/techdocs-ref"],
        ["metadata.annotations.backstage.io/techdocs-ref=dir:."],
        ["spec.system,kind=component"],
        ["spec.nothing"],
        ["spec.type="],
        ["relations.ownedBy"],
        ["relations.ownedby=group:default/nobody"],
        ["metadata.namespace=default,kind=user"],
        ["  kind = api , spec.lifecycle = production ,, "],
        ["metadata.links.icon", "metadata.links.title"],
        ["metadata.name"],
        ["metadata.uid"],
        ["spec.profile.email", "spec.children"],
        ["kind=template,spec.steps.action"],
        ["metadata.title=100%_", "metadata.description=%"],
    ],
)
def test_a_filter_means_what_the_plain_evaluator_says(api, everything, filters):
    wanted = parse_filters(filters)
    expected = [ref_of(e) for e in everything if filter_matches(wanted, terms_of(e))]
    assert [ref_of(e) for e in api.get("/entities", filter=filters)] == expected
    page = api.get("/entities/by-query", filter=filters, limit=10_000)
    assert sorted(map(ref_of, page["items"])) == sorted(expected)
    assert page["totalItems"] == len(expected)


def terms_of(entity):
    terms = {}
    for key, value in search_values(entity):
        terms.setdefault(key, set()).add(value.lower() if value is not None else None)
    for relation in entity["relations"]:
        terms.setdefault(f"relations.{relation['type']}".lower(), set()).add(relation["targetRef"])
    return terms


def test_some_filters_of_the_table_above_find_something(api):
    for text in ("metadata.tags.java", "relations.ownedby", "kind=component,spec.type=service"):
        assert api.get("/entities", filter=text), text


def test_fields_cut_entities_down_and_reach_annotations_with_dots(api):
    found = api.get(
        "/entities",
        filter="kind=component,metadata.annotations.backstage.io/techdocs-ref",
        fields=["kind,metadata.name", "metadata.annotations.backstage.io/techdocs-ref", "spec.nothing"],
    )
    assert found
    for entity in found:
        assert set(entity) == {"kind", "metadata"}
        assert set(entity["metadata"]) == {"name", "annotations"}
        assert set(entity["metadata"]["annotations"]) == {"backstage.io/techdocs-ref"}
    assert "array" in api.error(400, "GET", "/entities", fields="metadata.tags[0]")["message"]


def test_order_takes_several_fields_and_puts_absent_values_last(api):
    found = api.get("/entities", order=["desc:spec.type", "asc:metadata.name"])
    key = [(e["spec"].get("type", "").lower() if e["spec"].get("type") else None, e["metadata"]["name"]) for e in found]
    present = [k for k in key if k[0] is not None]
    assert key[: len(present)] == present, "absent last"
    assert [t for t, _ in present] == sorted((t for t, _ in present), reverse=True)
    for one in {t for t, _ in present}:
        inside = [n for t, n in present if t == one]
        assert inside == sorted(inside, key=str.lower)


@pytest.mark.parametrize("order", ["metadata.name", "up:metadata.name", "asc:", ":x"])
def test_a_malformed_order_is_refused(api, order):
    assert api.error(400, "GET", "/entities", order=order)["name"] == "InputError"


def test_the_link_header_leads_through_all_pages(api, everything):
    found, address = [], BASE + "/entities?limit=37&filter=kind&fields=kind,metadata&order=asc:metadata.name"
    pages = 0
    while address:
        response = api.call("GET", address)
        found += orjson.loads(response.getvalue())
        link = response.headers.get("Link")
        if link:
            assert link.endswith('; rel="next"')
            address = urljoin("http://x" + BASE + "/entities", link[1 : link.index(">")]).removeprefix("http://x")
        else:
            address = ""
        pages += 1
    assert pages == -(-len(everything) // 37)
    assert sorted(map(ref_of, found)) == sorted(map(ref_of, everything))
    assert set(found[0]) == {"kind", "metadata"}


def test_limit_and_offset_cut_the_list(api, everything):
    assert api.get("/entities", limit=3, offset=2) == everything[2:5]
    assert api.get("/entities", offset=len(everything) - 1) == everything[-1:]
    for bad in (
        {"limit": 0},
        {"limit": -1},
        {"offset": -1},
        {"limit": "x"},
        {"after": "!"},
        {"after": "e30=="},
        {"limit": 10**30},
    ):
        if bad == {"after": "e30=="}:
            continue
        assert api.error(400, "GET", "/entities", **bad)["name"] == "InputError"
    after = base64.b64encode(b'{"limit":2,"offset":5}').decode()
    assert api.get("/entities", after=after, limit=99, offset=99) == everything[5:7]


@pytest.mark.parametrize("path", ["/entities", "/entities/by-query", "/entity-facets?facet=kind"])
def test_a_filter_without_key_is_refused_with_the_expected_form(api, path):
    joint = "&" if "?" in path else "?"
    error = api.error(400, "GET", f"{path}{joint}filter=%3Dx")
    assert error["name"] == "InputError"
    assert "a=b" in error["message"]


# --- Single entities, refs, facets, ancestry ------------------------------------------


def test_one_entity_by_name_in_any_case_and_by_uid(api, everything):
    entity = next(e for e in everything if e["kind"] == "Component")
    name = entity["metadata"]["name"]
    assert api.get(f"/entities/by-name/component/default/{name}") == entity
    assert api.get(f"/entities/by-name/COMPONENT/Default/{name.upper()}") == entity
    assert api.get(f"/entities/by-uid/{entity['metadata']['uid']}") == entity


@pytest.mark.parametrize(
    "path",
    [
        "/entities/by-name/component/default/nope",
        "/entities/by-name/component/default/nope/ancestry",
        "/entities/by-name/a%00/b/c",
        "/entities/by-uid/nope",
        "/entities/by-uid/00000000-0000-0000-0000-000000000000",
        "/locations/by-entity/component/default/nope",
        "/locations/nope",
    ],
)
def test_what_is_not_there_is_a_404(api, path):
    error = api.error(404, "GET", path)
    assert error["name"] == "NotFoundError"
    if path.endswith("/default/nope"):
        assert error["message"] == "No entity named 'nope' found, with kind 'component' in namespace 'default'"


def test_by_refs_answers_in_order_with_nulls(api, everything):
    refs = [ref_of(e) for e in everything[:3]]
    body = {"entityRefs": [refs[2], "component:default/nope", refs[0].upper(), "nonsense", refs[2]]}
    found = api.post("/entities/by-refs", body)["items"]
    assert [e and ref_of(e) for e in found] == [refs[2], None, refs[0], None, refs[2]]
    found = api.post("/entities/by-refs", {**body, "fields": ["kind"]})["items"]
    assert set(found[0]) == {"kind"}
    kind = everything[2]["kind"]
    assert api.post("/entities/by-refs", body, filter="kind=nope")["items"] == [None] * 5
    assert api.post("/entities/by-refs", {**body, "query": {"kind": kind}})["items"][0] is not None
    assert api.post("/entities/by-refs", {**body, "query": {"kind": "nope"}})["items"] == [None] * 5
    assert api.post("/entities/by-refs", {"entityRefs": []})["items"] == []
    api.error(400, "POST", "/entities/by-refs", {})


@pytest.mark.parametrize(
    "facet",
    ["kind", "spec.type", "spec.lifecycle", "metadata.tags", "metadata.namespace", "relations.ownedBy", "spec.owner",
     "metadata.tags.java", "metadata.annotations.backstage.io/techdocs-ref", "spec.nothing", "relations.nothing"],
)  # fmt: skip
def test_facets_count_values_in_their_own_case(api, everything, facet):
    for filters in ([], ["kind=component"], ["kind=api", "kind=system"]):
        wanted = parse_filters(filters)
        expected = {}
        for e in everything:
            if not filter_matches(wanted, terms_of(e)):
                continue
            if facet.startswith("relations."):
                values = {r["targetRef"] for r in e["relations"] if r["type"] == facet[10:]}
            else:
                values = {v for k, v in search_values(e) if k == facet.lower() and v is not None}
            for v in values:
                expected[v] = expected.get(v, 0) + 1
        found = api.get("/entity-facets", facet=facet, filter=filters)["facets"]
        assert {f["value"]: f["count"] for f in found[facet]} == expected


def test_facets_of_several_keys_and_of_a_predicate(api):
    found = api.get("/entity-facets", facet=["kind", "spec.type"], filter="kind=component")["facets"]
    assert [f["value"] for f in found["kind"]] == ["Component"]
    posted = api.post("/entity-facets", {"facets": ["kind", "spec.type"], "query": {"kind": "component"}})["facets"]
    assert posted == found
    links = {"metadata.links": {"$contains": {"url": {"$hasPrefix": "https"}}}}
    assert api.post("/entity-facets", {"facets": ["kind"], "query": links})["facets"]["kind"]
    assert api.post("/entity-facets", {"facets": ["kind"], "query": {"$any": []}})["facets"] == {"kind": []}
    api.error(400, "GET", "/entity-facets")
    api.error(400, "POST", "/entity-facets", {"facets": []})


def test_ancestry_leads_from_an_entity_to_its_registration(api, everything):
    entity = next(e for e in everything if e["kind"] == "Component")
    ref = ref_of(entity)
    found = api.get(f"/entities/by-name/component/default/{entity['metadata']['name']}/ancestry")
    assert found["rootEntityRef"] == ref
    items = {ref_of(i["entity"]): i["parentEntityRefs"] for i in found["items"]}
    here, steps = ref, 0
    while items[here]:
        here, steps = items[here][0], steps + 1
    assert steps >= 2
    assert here.startswith("location:default/generated-")


def test_old_style_relations_are_added_where_configured(api):
    from callboard.plugins.catalog.tests.engine import catalog_settings

    with catalog_settings(relations_compatibility=True):
        found = api.get("/entities", filter="kind=component", fields="relations")
    relation = found[0]["relations"][0]
    kind, _, rest = relation["targetRef"].partition(":")
    assert relation["target"] == {"kind": kind, "namespace": rest.split("/")[0], "name": rest.split("/")[1]}


def test_texts_that_look_like_patterns_or_sql_are_only_texts(api, tmp_path):
    odd = component("odd").replace("spec:", "spec:\n  note: \"50%_of 'it\\\\ (a|b)\"\n  list: [x_y, 'a%']")
    register(write(tmp_path / "a.yaml", odd))
    for query in (
        {"spec.note": "50%_of 'it\\ (a|b)"},
        {"spec.note": {"$hasPrefix": "50%_"}},
        {"spec.list": {"$contains": "x_y"}},
        {"spec.list": {"$contains": {"$hasPrefix": "a%"}}},
    ):
        assert names(api.post("/entities/by-query", {"query": query})["items"]) == ["odd"], query
    for query in (
        {"spec.note": {"$hasPrefix": "5_%"}},
        {"spec.list": "xzy"},
        {"spec.list": {"$contains": {"$hasPrefix": "%"}}},
    ):
        assert api.post("/entities/by-query", {"query": query})["items"] == [], query
    process()
