"""Pages of entities over HTTP: cursors, text, predicates."""

import base64

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callboard.plugins.catalog.tests.api import Api, demo_organisation, names, ref_of
from callboard.plugins.catalog.tests.engine import component, docs, register, write
from callboard.plugins.catalog.types.predicates import matches, parse_predicate

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


# --- by-query -------------------------------------------------------------------


def walk(api, limit, **query):
    """Follow cursors to the end and back, and answer the refs of the way there."""
    page = api.get("/entities/by-query", limit=limit, **query)
    total = page["totalItems"]
    assert "prevCursor" not in page["pageInfo"]
    pages = [page]
    while cursor := pages[-1]["pageInfo"].get("nextCursor"):
        pages.append(api.get("/entities/by-query", limit=limit, cursor=cursor))
        assert pages[-1]["totalItems"] == total
        assert pages[-1]["pageInfo"]["prevCursor"]
    back, here = [pages[-1]["items"]], pages[-1]
    while cursor := here["pageInfo"].get("prevCursor"):
        here = api.get("/entities/by-query", limit=limit, cursor=cursor)
        assert here["pageInfo"]["nextCursor"]
        back.append(here["items"])
    there = [[ref_of(e) for e in p["items"]] for p in pages]
    assert [[ref_of(e) for e in items] for items in reversed(back)] == there
    return [ref for p in there for ref in p], total


@pytest.mark.parametrize("limit", [1, 7, 50])
@pytest.mark.parametrize(
    "query",
    [
        {"filter": "kind=component"},
        {"orderField": "metadata.name,asc"},
        {"orderField": "metadata.name,desc", "filter": ["kind=api", "kind=group"]},
        {"orderField": "spec.type,desc"},
        {"orderField": "spec.lifecycle"},
        {"orderField": "metadata.uid,asc"},
        {"orderField": "metadata.description,desc"},
        {"orderField": "metadata.tags,asc"},
        {"fullTextFilterTerm": "SE", "orderField": "metadata.name,asc"},
        {"fullTextFilterTerm": "se", "fullTextFilterFields": "metadata.name, metadata.title"},
    ],
)
def test_cursors_lead_there_and_back_without_gaps_and_repeats(api, limit, query):
    if limit == 1:
        query = {**query, "filter": "kind=api"}
    refs, total = walk(api, limit, **query)
    assert len(refs) == total == len(set(refs))
    assert total > 0
    whole = api.get("/entities/by-query", limit=10_000, **query)
    assert [ref_of(e) for e in whole["items"]] == refs


def test_long_sort_values_stand_at_the_end_and_lose_nobody(api, tmp_path):
    texts = [None, "b", "a", "x" * 300, "y" * 300, "z" * 300]
    entities = [
        component(f"long{i}").replace("spec:", f"spec:\n  note: {text}" if text else "spec:")
        for i, text in enumerate(texts)
    ]
    register(write(tmp_path / "a.yaml", docs(*entities)))
    for direction, first in (("asc", ["long2", "long1"]), ("desc", ["long1", "long2"])):
        for limit in (1, 2, 5):
            refs, total = walk(api, limit, orderField=f"spec.note,{direction}")
            found = [ref.rpartition("/")[2] for ref in refs]
            assert found[:2] == first
            assert set(found[2:]) == {"long3", "long4", "long5"}
            assert total == 5, "who lacks the field is left out"


def test_offset_limit_zero_and_the_default_limit(api, everything):
    empty = api.get("/entities/by-query", limit=0)
    assert empty == {"items": [], "totalItems": len(everything), "pageInfo": {}}
    assert len(api.get("/entities/by-query")["items"]) == min(200, len(everything))
    page = api.get("/entities/by-query", limit=2, offset=3)
    assert page["items"] == everything[3:5]
    assert set(page["pageInfo"]) == {"nextCursor", "prevCursor"}
    assert "totalItems" not in api.get("/entities/by-query", limit=1, totalItems="exclude")
    api.error(400, "GET", "/entities/by-query", totalItems="maybe")
    api.error(400, "GET", "/entities/by-query", limit=-1)


def test_only_the_first_order_field_is_used(api):
    one = api.get("/entities/by-query", orderField="spec.type,asc", limit=500)["items"]
    two = api.get("/entities/by-query", orderField=["spec.type,asc", "metadata.name,desc"], limit=500)["items"]
    assert one == two
    assert all("type" in e["spec"] for e in one)


@pytest.mark.parametrize("cursor", ["x", "e30", "bnVsbA==", "eyJvcmRlckZpZWxkcyI6IDF9", "", "{}"])
def test_a_malformed_cursor_is_refused(api, cursor):
    if cursor in {"", "e30"}:
        api.get("/entities/by-query", cursor=cursor, limit=1)
        return
    assert api.error(400, "GET", "/entities/by-query", cursor=cursor)["name"] == "InputError"
    assert api.error(400, "POST", "/entities/by-query", {"cursor": cursor})["name"] == "InputError"


def test_a_cursor_brings_its_query_but_fields_and_limit_are_those_of_the_request(api):
    first = api.get("/entities/by-query", filter="kind=api", orderField="metadata.name,asc", limit=2)
    second = api.get(
        "/entities/by-query", cursor=first["pageInfo"]["nextCursor"], limit=1, fields="kind", filter="kind=user"
    )
    assert second["items"] == [{"kind": "API"}]


def test_full_text_looks_into_the_named_fields_the_sort_field_or_the_uid(api, everything):
    def found(**query):
        return {ref_of(e) for e in api.get("/entities/by-query", limit=1000, **query)["items"]}

    assert found(fullTextFilterTerm="tick", fullTextFilterFields="metadata.name") == {
        ref_of(e) for e in everything if "tick" in e["metadata"]["name"].lower()
    }
    assert found(fullTextFilterTerm=" TICK ", orderField="metadata.title,asc") == {
        ref_of(e) for e in everything if "tick" in e["metadata"].get("title", "").lower()
    }
    uid = everything[0]["metadata"]["uid"]
    assert found(fullTextFilterTerm=uid[:13]) == {ref_of(everything[0])}
    assert found(fullTextFilterTerm="%", fullTextFilterFields="metadata.name") == set()
    assert found(fullTextFilterTerm="_", fullTextFilterFields="metadata.name") == {
        ref_of(e) for e in everything if "_" in e["metadata"]["name"]
    }
    assert len(found(fullTextFilterTerm="  ")) == len(everything)


# --- POST by-query: the predicate language ------------------------------------------

PATHS = {
    "kind": ["component", "API", "group", "x"],
    "metadata.name": ["playback", "a", ""],
    "metadata.namespace": ["default", "labs"],
    "spec.type": ["service", "WEBSITE", "team", "s"],
    "spec.lifecycle": ["production", "experimental", "prod"],
    "spec.owner": ["group:default/x", "g"],
    "metadata.tags": ["java", "python", "p"],
    "metadata.tags.java": [True, False, "true"],
    "metadata.annotations.backstage.io/techdocs-ref": ["dir:.", "dir"],
    "metadata.links.title": ["Dashboard", "d"],
    "metadata.labels.tier": ["1", 1],
    "relations.ownedBy": ["group:default/platform", "group:"],
    "relations.dependson": ["resource:default/x", "component:"],
    "spec.profile.displayName": ["A"],
    "spec.nothing": ["x"],
}


def exams_of(path):
    values = st.sampled_from(PATHS[path])
    texts = values.map(str)
    return st.one_of(
        values,
        st.fixed_dictionaries({"$exists": st.booleans()}),
        st.fixed_dictionaries({"$in": st.lists(values, max_size=3)}),
        st.fixed_dictionaries({"$hasPrefix": texts}),
        st.fixed_dictionaries(
            {"$contains": st.one_of(values, st.fixed_dictionaries({"$in": st.lists(values, max_size=2)}))}
        ),
    )


LEAF = st.sampled_from(sorted(PATHS)).flatmap(lambda p: exams_of(p).map(lambda t: {p: t}))
ITEM = st.one_of(
    st.just({"type": "ownedBy"}),
    st.just({"type": "partOf", "targetRef": {"$hasPrefix": "system:"}}),
    st.just({"targetRef": {"$in": ["group:default/platform"]}}),
    st.just({"$not": {"type": "ownedBy"}}),
    st.just({"type": {"$hasPrefix": "owned"}}),
).map(lambda p: {"relations": {"$contains": p}})
LINK = st.one_of(
    st.just({"title": {"$exists": True}, "icon": {"$exists": False}}),
    st.just({"url": {"$hasPrefix": "https://"}}),
    st.just({"$any": [{"icon": "dashboard"}, {"icon": "book"}]}),
).map(lambda p: {"metadata.links": {"$contains": p}})
PREDICATES = st.recursive(
    st.one_of(LEAF, LEAF, LEAF, ITEM, LINK),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda ps: {"$all": ps}),
        st.lists(inner, max_size=3).map(lambda ps: {"$any": ps}),
        inner.map(lambda p: {"$not": p}),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=PREDICATES)
def test_a_predicate_means_what_the_plain_evaluator_says(api, everything, predicate):
    parsed = parse_predicate(predicate)
    expected = sorted(ref_of(e) for e in everything if matches(parsed, e))
    page = api.post("/entities/by-query", {"query": predicate, "limit": 1000, "fields": ["kind", "metadata"]})
    assert sorted(map(ref_of, page["items"])) == expected
    assert page["totalItems"] == len(expected)


def test_a_predicate_is_carried_by_the_cursor(api):
    body = {
        "query": {"kind": {"$in": ["component", "api"]}},
        "orderBy": [{"field": "metadata.name", "order": "desc"}],
        "limit": 5,
    }
    first = api.post("/entities/by-query", body)
    cursor = first["pageInfo"]["nextCursor"]
    assert "query" in orjson.loads(base64.b64decode(cursor + "=="))
    second = api.post("/entities/by-query", {"cursor": cursor, "limit": 5})
    both = names(first["items"] + second["items"])
    assert both == sorted(both, key=str.lower, reverse=True)
    assert second["totalItems"] == first["totalItems"]
    back = api.post("/entities/by-query", {"cursor": second["pageInfo"]["prevCursor"], "limit": 5})
    assert back["items"] == first["items"]


def test_a_cursor_of_a_stranger_with_empty_filters_means_what_it_says(api, everything):
    for filter_, total in (({"anyOf": []}, 0), ({"anyOf": [{"allOf": []}]}, len(everything))):
        cursor = base64.b64encode(orjson.dumps({"filter": filter_})).decode()
        assert len(api.get("/entities/by-query", cursor=cursor, limit=1000)["items"]) == total


def test_full_text_and_order_of_the_body(api):
    body = {
        "fullTextFilter": {"term": "a", "fields": ["metadata.name"]},
        "orderBy": {"field": "metadata.name", "order": "asc"},
    }
    found = names(api.post("/entities/by-query", body)["items"])
    assert found
    assert all("a" in n.lower() for n in found)


@pytest.mark.parametrize(
    "query",
    [
        {"$nope": 1},
        {"kind": {"$nope": 1}},
        {"kind": None},
        {"$all": {}},
        {"$not": {"kind": "a"}, "kind": "b"},
        "component",
        [],
        {"a\0": "b"},
        {"kind": "a\0"},
    ],
)
def test_a_malformed_predicate_is_refused(api, query):
    for path, more in (
        ("/entities/by-query", {}),
        ("/entity-facets", {"facets": ["kind"]}),
        ("/entities/by-refs", {"entityRefs": []}),
    ):
        assert api.error(400, "POST", path, {"query": query, **more})["name"] == "InputError"
