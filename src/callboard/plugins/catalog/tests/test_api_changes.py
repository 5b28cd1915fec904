"""Changing the catalog over HTTP, and who may."""

import orjson
import pytest

from callboard.plugins.catalog.models import Entity, Source
from callboard.plugins.catalog.tests.api import Api, names, ref_of
from callboard.plugins.catalog.tests.engine import (
    catalog_settings,
    component,
    docs,
    entity,
    group,
    location,
    loopback,
    process,
    refs,
    register,
    write,
)
from callboard.plugins.catalog.tests.servers import running_site
from callboard.sdk.auth import create_user

pytestmark = pytest.mark.django_db

A = "component:default/a"


@pytest.fixture
def api():
    return Api("write", "read", "admin")


@pytest.fixture
def org(tmp_path):
    """Two groups, a person in one, and components that they own."""
    people = group("apples").replace("children: []", "children: [], members: [ann]") + "---\n" + group("pears")
    ann = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: ann}\nspec: {memberOf: [apples]}\n"
    register(write(tmp_path / "org.yaml", people + "---\n" + ann))
    more = "  system: shop\n"
    file = write(tmp_path / "sub" / "a.yaml", docs(component("a", "apples", more), component("b", "pears", more)))
    return register(write(tmp_path / "all.yaml", location("all", file)))


@pytest.fixture
def ann(org):
    return Api("read", "write", user=create_user("ann", password="a long enough password"))


# --- Locations ------------------------------------------------------------------


def test_a_location_is_created_read_moved_and_deleted(api, tmp_path):
    one, two = write(tmp_path / "1.yaml", component("a")), write(tmp_path / "2.yaml", component("b"))
    body = {"type": "file", "target": str(one)}
    response = api.call("POST", "/locations", body)
    assert response.status_code == 201
    made = orjson.loads(response.content)
    assert set(made) == {"location", "entities"}
    assert made["entities"] == []
    place = made["location"]
    assert place == {**body, "id": place["id"], "entityRef": place["entityRef"]}
    assert place["entityRef"].startswith("location:default/generated-")
    process()
    assert refs() == {A}
    assert api.get("/locations") == [{"data": place}]
    assert api.get(f"/locations/{place['id']}") == place
    assert api.get("/locations/by-entity/component/default/a") == place
    assert api.get("/locations/by-entity/location/default/" + place["entityRef"].rpartition("/")[2]) == place
    assert api.error(409, "POST", "/locations", body)["name"] == "ConflictError"
    moved = value_of(api.call("PUT", f"/locations/{place['id']}", {"type": "file", "target": str(two)}))
    assert moved["id"] == place["id"]
    assert moved["target"] == str(two)
    process()
    assert refs() == {"component:default/b"}
    response = api.call("DELETE", f"/locations/{place['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert refs() == set()
    api.error(404, "DELETE", f"/locations/{place['id']}")
    api.error(404, "PUT", f"/locations/{place['id']}", {"type": "file", "target": "/x"})


def value_of(response):
    assert response.status_code == 200, response.content
    return orjson.loads(response.content)


def test_a_conflict_may_be_answered_by_a_refresh(api, tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    source = register(file)
    write(file, component("b"))
    found = api.post("/locations", {"type": "file", "target": str(file)}, onConflict="refresh")
    assert found["location"]["id"] == str(source.uid)
    process()
    assert refs() == {"component:default/b"}
    api.error(400, "POST", "/locations", {"type": "file", "target": "/x"}, onConflict="nope")


@pytest.mark.parametrize(
    "body",
    [
        {"type": "https", "target": "//x/y"},
        {"type": "nope", "target": "x"},
        {"type": "url", "target": "ftp://x/y"},
        {"type": "url", "target": "javascript:alert(1)"},
        {"type": "url", "target": ""},
        {"type": "url", "target": "https://x/\0"},
        {"type": "url"},
        {"target": 1, "type": "url"},
        [],
        "x",
    ],
)
def test_a_location_that_cannot_be_is_refused(api, body):
    for query in ({}, {"dryRun": "true"}):
        assert api.error(400, "POST", "/locations", body, **query)["name"] == "InputError"
    assert not Source.objects.filter(registered=True).exists()


def test_a_dry_run_answers_the_tree_and_writes_nothing(api, tmp_path):
    write(tmp_path / "b.yaml", component("b"))
    file = write(tmp_path / "a.yaml", docs(component("a"), location("l", "./b.yaml")))
    body = {"type": "file", "target": str(file)}
    found = api.post("/locations", body, dryRun="true")
    assert found["exists"] is False
    assert found["location"]["target"] == str(file)
    assert names(found["entities"])[1:] == ["a", "l", "b"]
    assert found["entities"][0]["kind"] == "Location"
    assert not Source.objects.exists()
    register(file)
    assert api.post("/locations", body, dryRun="true")["exists"] is True
    write(tmp_path / "b.yaml", component("a"))
    assert "twice" in api.error(400, "POST", "/locations", body, dryRun="true")["message"]
    write(tmp_path / "b.yaml", "kind: [")
    assert "b.yaml" in api.error(400, "POST", "/locations", body, dryRun="true")["message"]


def test_locations_are_queried_in_pages_that_the_cursor_alone_continues(api, tmp_path):
    for number in range(5):
        register(write(tmp_path / f"{number}.yaml", component(f"c{number}")))
    found, body = [], {"limit": 2, "query": {"target": {"$hasPrefix": str(tmp_path)}}}
    sizes = []
    while body:
        page = api.post("/locations/by-query", body)
        assert page["totalItems"] == 5
        found += page["items"]
        sizes.append(len(page["items"]))
        cursor = page["pageInfo"].get("nextCursor")
        body = {"cursor": cursor} if cursor else None
    assert sizes == [2, 2, 1]
    assert [f["target"] for f in found] == [str(tmp_path / f"{n}.yaml") for n in range(5)]
    assert api.post("/locations/by-query", {"query": {"type": "url"}})["totalItems"] == 0
    assert len(api.post("/locations/by-query", {})["items"]) == 5
    for cursor in ("x", "e30=", "eyJhZnRlciI6InkifQ==", "eyJhZnRlciI6MSwibGltaXQiOi0xfQ=="):
        api.error(400, "POST", "/locations/by-query", {"cursor": cursor})


def test_a_read_only_catalog_refuses_with_403(api, tmp_path):
    source = register(write(tmp_path / "a.yaml", component("a")))
    with catalog_settings(readonly=True):
        for method, path, body in (
            ("POST", "/locations", {"type": "file", "target": "/x"}),
            ("DELETE", f"/locations/{source.uid}", None),
            ("PUT", f"/locations/{source.uid}", {"type": "file", "target": "/x"}),
        ):
            assert "read-only" in api.error(403, method, path, body)["message"]


# --- Entities -------------------------------------------------------------------


def test_deleting_answers_204_also_for_an_unknown_uid(api, org):
    uid = Entity.objects.get(ref=A).uid
    for path in (f"/entities/by-uid/{uid}", f"/entities/by-uid/{uid}", "/entities/by-uid/nope"):
        assert api.call("DELETE", path).status_code == 204
    assert A not in refs()


def test_a_refresh_is_answered_at_once(api, org, tmp_path):
    write(tmp_path / "sub" / "a.yaml", component("a", "pears"))
    response = api.call("POST", "/refresh", {"entityRef": "Component:a", "authorizationToken": "x"})
    assert (response.status_code, response.content) == (200, b"")
    process()
    assert entity(A)["spec"]["owner"] == "pears"
    api.error(400, "POST", "/refresh", {"entityRef": "a"})
    api.error(400, "POST", "/refresh", {})


def test_validation_answers_a_list_of_errors_of_its_own_shape(api):
    good = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "x"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "apples"},
    }
    response = api.call("POST", "/validate-entity", {"entity": good, "location": "url:https://x/a.yaml"})
    assert (response.status_code, response.content) == (200, b"")
    bad = {**good, "spec": {"type": 1, "lifecycle": "production"}}
    for entity_, place in (
        (bad, "url:https://x/a.yaml"),
        ({**good, "kind": "Nope"}, "url:https://x/a.yaml"),
        ({}, "url:https://x/a.yaml"),
        ("text", "url:https://x/a.yaml"),
        (good, "nonsense"),
        (good, "https://x/a.yaml"),
    ):
        response = api.call("POST", "/validate-entity", {"entity": entity_, "location": place})
        body = orjson.loads(response.content)
        assert response.status_code == 400
        assert set(body) == {"errors"}
        assert all(e["name"] == "InputError" and e["message"] for e in body["errors"])
    assert {
        e["path"]
        for e in orjson.loads(api.call("POST", "/validate-entity", {"entity": bad, "location": "url:x"}).content)[
            "errors"
        ]
    } == {"spec.type", "spec.owner"}
    warned = {**good, "spec": {**good["spec"], "owner": "component:x"}}
    assert api.call("POST", "/validate-entity", {"entity": warned, "location": "url:x"}).status_code == 200


def test_analysing_shows_what_is_there_or_suggests_an_entity(api):
    with running_site() as site, loopback():
        url = site.text("/catalog-info.yaml", component("a"))
        found = api.post("/analyze-location", {"location": {"type": "url", "target": url}})
        (file,) = found["existingEntityFiles"]
        assert file["location"] == {"type": "url", "target": url}
        assert file["isRegistered"] is False
        assert ref_of(file["entity"]) == A
        assert found["generateEntities"] == []
        register(url, "url")
        found = api.post("/analyze-location", {"location": {"type": "url", "target": url}})
        assert found["existingEntityFiles"][0]["isRegistered"] is True
        found = api.post("/analyze-location", {"location": {"type": "url", "target": f"{site.url}/org/shop-api"}})
        assert found["existingEntityFiles"] == []
        (made,) = found["generateEntities"]
        assert made["entity"]["kind"] == "Component"
        assert made["entity"]["metadata"]["name"] == "shop-api"
        assert {"needsUserInput", "analysisSuggestedValue"} == {f["state"] for f in made["fields"]}
    api.error(400, "POST", "/analyze-location", {"location": {"type": "url", "target": "no address"}})
    api.error(400, "POST", "/analyze-location", {})


def test_rejected_and_waiting_entities_are_listed_and_dismissed(api, tmp_path):
    file = write(tmp_path / "a.yaml", docs(component("a"), component("b").replace("owner: group:apples", "owner: ''")))
    register(file)
    (failed,) = api.get("/entities/unprocessed/failed")["entities"]
    assert failed["entity_ref"] == "component:default/b"
    assert failed["unprocessed_entity"]["metadata"]["name"] == "b"
    assert failed["errors"][0]["message"]
    assert set(failed) >= {"entity_id", "processed_entity", "next_update_at", "last_discovery_at", "location_key"}
    assert api.get("/entities/unprocessed/failed", owner="group:default/x")["entities"] == []
    assert api.call("DELETE", f"/entities/unprocessed/delete/{failed['entity_id']}").status_code == 204
    assert api.get("/entities/unprocessed/failed") == {"entities": [], "type": "failed"}
    for other in (failed["entity_id"], "x", "9" * 40, "-1"):
        api.error(404, "DELETE", f"/entities/unprocessed/delete/{other}")
    api.post("/locations", {"type": "file", "target": str(tmp_path / "later.yaml")})
    (pending,) = api.get("/entities/unprocessed/pending")["entities"]
    assert pending["unprocessed_entity"]["spec"]["target"].endswith("later.yaml")


# --- Odd requests -----------------------------------------------------------------


def test_what_is_no_json_is_a_400(api):
    for data in (
        b"{",
        b"\xff\xfe",
        b"",
        b"[1]",
        b"null",
        b'{"entityRefs": ["\\ud800"]}',
        b'{"entityRefs": ["a\\u0000"]}',
    ):
        response = api.client.post(
            "/api/catalog/entities/by-refs", data, content_type="application/json", headers=api.headers
        )
        assert response.status_code == 400, (data, response.content)
        assert orjson.loads(response.content)["error"]["name"] == "InputError"


def test_null_characters_and_huge_numbers_are_a_400_or_find_nothing(api):
    for path in (
        "/entities?filter=kind%3Da%00",
        "/entities/by-query?fullTextFilterTerm=a%00",
        "/entities/by-query?fullTextFilterTerm=a&fullTextFilterFields=a%00",
        "/entities/by-query?orderField=a%00",
        "/entity-facets?facet=a%00",
        f"/entities?offset={10**30}",
        f"/entities/by-query?limit={10**30}",
    ):
        assert api.error(400, "GET", path)["name"] == "InputError"
    api.error(404, "GET", "/nothing/here")
    assert api.call("GET", "/entities?fields=a%00").status_code == 200


def test_a_method_that_is_not_there_is_a_405_without_a_fault(api):
    assert api.call("DELETE", "/entities").status_code == 405
