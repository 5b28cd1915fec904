"""Who may see and change what over HTTP."""

import orjson
import pytest

from callboard.plugins.catalog.models import Entity, Source
from callboard.plugins.catalog.tests.api import Api, names, policy, ref_of
from callboard.plugins.catalog.tests.engine import (
    component,
    docs,
    group,
    location,
    refs,
    register,
    write,
)
from callboard.sdk.auth import GUEST, act_as, create_user
from callboard.sdk.permissions import RuleUse, deny, only_if

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


# --- Who may --------------------------------------------------------------------

READS = [
    ("GET", "/entities", None),
    ("GET", "/entities/by-query", None),
    ("POST", "/entities/by-query", {}),
    ("GET", "/entities/by-name/component/default/a", None),
    ("POST", "/entities/by-refs", {"entityRefs": [A]}),
    ("GET", "/entity-facets?facet=kind", None),
    ("GET", "/locations", None),
    ("GET", "/entities/unprocessed/failed", None),
]
WRITES = [
    ("POST", "/locations", {"type": "file", "target": "/x.yaml"}),
    ("POST", "/locations?dryRun=true", {"type": "file", "target": "/x.yaml"}),
    ("POST", "/analyze-location", {"location": {"type": "file", "target": "/x.yaml"}}),
    ("DELETE", "/locations/{source}", None),
    ("PUT", "/locations/{source}", {"type": "file", "target": "/x.yaml"}),
    ("DELETE", "/entities/by-uid/{uid}", None),
    ("DELETE", "/entities/unprocessed/delete/1", None),
]


@pytest.mark.parametrize(("method", "path", "body"), READS + WRITES)
def test_nobody_gets_a_401_with_the_way_to_sign_in(method, path, body):
    response = Api().call(method, path, body)
    assert response.status_code == 401
    assert orjson.loads(response.content)["error"]["name"] == "AuthenticationError"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "body"), READS)
def test_a_read_only_token_reads(org, method, path, body):
    assert Api("read").call(method, path, body).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_read_only_token_changes_nothing(org, method, path, body):
    path = path.format(source=org.uid, uid=Entity.objects.get(ref=A).uid)
    assert Api("read").error(403, method, path, body)["name"] == "NotAllowedError"
    assert A in refs()
    assert Source.objects.filter(registered=True).count() == 2


def test_owners_delete_what_they_own_and_nothing_else(ann, org):
    uids = dict(Entity.objects.values_list("ref", "uid"))
    ann.error(403, "DELETE", f"/entities/by-uid/{uids['component:default/b']}")
    ann.error(403, "DELETE", f"/locations/{org.uid}")
    assert "component:default/b" in refs()
    assert ann.call("DELETE", f"/entities/by-uid/{uids[A]}").status_code == 204
    assert A not in refs()


def test_guests_look_but_change_nothing(org):
    from callboard.plugins.catalog.selectors.querying import EntityQuery, listed
    from callboard.plugins.catalog.services.entities import remove_entity
    from callboard.plugins.catalog.services.locations import refresh, register_location
    from callboard.sdk.permissions import NotAllowedError

    with act_as(GUEST, "api"):
        assert len(list(listed(EntityQuery()))) == Entity.objects.count()
        for change in (lambda: remove_entity(A), lambda: register_location("file", "/x"), lambda: refresh([A])):
            with pytest.raises(NotAllowedError):
                change()


# --- What a policy hides ------------------------------------------------------------


def test_a_denied_reader_sees_nothing_anywhere(api, org):
    uid = Entity.objects.get(ref=A).uid
    with policy(catalog_entity_read=deny("no"), catalog_location_read=deny("no")):
        assert api.get("/entities") == []
        assert api.get("/entities", limit=5) == []
        assert api.get("/entities/by-query") == {"items": [], "totalItems": 0, "pageInfo": {}}
        assert api.post("/entities/by-query", {"query": {"kind": "component"}})["totalItems"] == 0
        assert api.post("/entities/by-refs", {"entityRefs": [A, A]})["items"] == [None, None]
        facets = api.get("/entity-facets", facet=["kind", "metadata.tags", "relations.ownedBy", "spec.owner"])["facets"]
        assert facets == {"kind": [], "metadata.tags": [], "relations.ownedBy": [], "spec.owner": []}
        assert api.post("/entity-facets", {"facets": ["kind"]})["facets"] == {"kind": []}
        api.error(404, "GET", "/entities/by-name/component/default/a")
        api.error(404, "GET", f"/entities/by-uid/{uid}")
        api.error(403, "GET", "/entities/by-name/component/default/a/ancestry")
        api.error(404, "GET", "/entities/by-name/component/default/nope/ancestry")
        assert api.get("/locations") == []
        assert api.post("/locations/by-query", {})["items"] == []
        api.error(404, "GET", f"/locations/{org.uid}")
        api.error(404, "GET", "/locations/by-entity/component/default/a")
        assert api.get("/entities/unprocessed/failed")["entities"] == []
        assert api.get("/entities/unprocessed/pending")["entities"] == []


def test_a_condition_filters_lists_counts_facets_and_single_entities(api, org):
    apples = RuleUse("IS_ENTITY_OWNER", "catalog-entity", {"claims": ["group:default/apples"]})
    b = Entity.objects.get(ref="component:default/b").uid
    open_cursor = api.get("/entities/by-query", limit=1)["pageInfo"]["nextCursor"]
    with policy(catalog_entity_read=only_if(apples, "only your own")):
        assert names(api.get("/entities")) == ["a"]
        page = api.get("/entities/by-query", filter="kind=component")
        assert (names(page["items"]), page["totalItems"]) == (["a"], 1)
        assert names(api.get("/entities/by-query", cursor=open_cursor)["items"]) in ([], ["a"])
        body = {"entityRefs": ["component:default/b", A]}
        assert [e and ref_of(e) for e in api.post("/entities/by-refs", body)["items"]] == [None, A]
        assert api.get("/entity-facets", facet="kind")["facets"]["kind"] == [{"value": "Component", "count": 1}]
        tags = api.post("/entity-facets", {"facets": ["relations.ownedBy"], "query": {"kind": "component"}})["facets"]
        assert tags["relations.ownedBy"] == [{"value": "group:default/apples", "count": 1}]
        assert api.get("/entities/by-name/component/default/a")
        api.error(404, "GET", "/entities/by-name/component/default/b")
        api.error(404, "GET", f"/entities/by-uid/{b}")
        api.error(403, "GET", "/entities/by-name/component/default/b/ancestry")
        found = api.get("/entities/by-name/component/default/a/ancestry")
        assert [(ref_of(i["entity"]), i["parentEntityRefs"]) for i in found["items"]] == [(A, [])]


@pytest.mark.parametrize(
    ("rule", "params", "seen"),
    [
        ("HAS_ANNOTATION", {"annotation": "backstage.io/managed-by-location"}, {"a", "b"}),
        ("HAS_ANNOTATION", {"annotation": "backstage.io/managed-by-location", "value": "file:/nope"}, set()),
        ("HAS_LABEL", {"label": "tier"}, set()),
        ("HAS_METADATA", {"key": "name", "value": "A"}, {"a"}),
        ("HAS_SPEC", {"key": "owner", "value": "pears"}, {"b"}),
        ("IS_ENTITY_KIND", {"kinds": ["COMPONENT"]}, {"a", "b"}),
        ("IS_ENTITY_KIND", {"kinds": []}, set()),
        ("IS_ENTITY_OWNER", {"claims": ["Group:default/Pears"]}, {"b"}),
        ("NO_SUCH_RULE", {}, set()),
    ],
)
def test_each_rule_filters_by_what_it_says(api, org, rule, params, seen):
    with policy(catalog_entity_read=only_if(RuleUse(rule, "catalog-entity", params), "because")):
        assert set(names(api.get("/entities", filter="kind=component"))) == seen


def test_ancestry_stops_at_what_the_caller_may_not_see(api, org):
    components = RuleUse("IS_ENTITY_KIND", "catalog-entity", {"kinds": ["component"]})
    full = api.get("/entities/by-name/component/default/a/ancestry")["items"]
    assert [ref_of(i["entity"]) for i in full][:2] == [A, "location:default/all"]
    assert len(full) == 3
    with policy(catalog_entity_read=only_if(components, "only components")):
        (item,) = api.get("/entities/by-name/component/default/a/ancestry")["items"]
        assert item["parentEntityRefs"] == []


@pytest.mark.parametrize(
    ("permission", "method", "path", "body"),
    [
        ("catalog_entity_validate", "POST", "/validate-entity", {"entity": {}, "location": "url:https://x/y"}),
        ("catalog_entity_refresh", "POST", "/refresh", {"entityRef": A}),
        ("catalog_location_create", "POST", "/locations", {"type": "file", "target": "/x"}),
        ("catalog_location_delete", "DELETE", "/locations/{source}", None),
        ("catalog_location_analyze", "POST", "/analyze-location", {"location": {"type": "file", "target": "/x"}}),
        ("catalog_entity_delete", "DELETE", "/entities/by-uid/{uid}", None),
    ],
)
def test_a_denied_change_is_a_403_with_the_reason(api, org, permission, method, path, body):
    path = path.format(source=org.uid, uid=Entity.objects.get(ref=A).uid)
    with policy(**{permission: deny("the moon is full")}):
        assert "the moon is full" in api.error(403, method, path, body)["message"]


# --- The permission protocol ------------------------------------------------------

_WELL_KNOWN = "/.well-known/backstage/permissions"


def _condition(index, ref, conditions):
    return {"id": str(index), "resourceRef": ref, "resourceType": "catalog-entity", "conditions": conditions}


def test_permissions_and_rules_are_listed_as_clients_know_them(api):
    metadata = api.get(f"{_WELL_KNOWN}/metadata")
    named = {item["name"]: item for item in metadata["permissions"]}
    assert named["catalog.entity.read"] == {
        "type": "resource",
        "name": "catalog.entity.read",
        "attributes": {"action": "read"},
        "resourceType": "catalog-entity",
    }
    assert named["catalog.entity.create"]["type"] == "basic"
    rules = {rule["name"]: rule for rule in metadata["rules"]}
    assert set(rules) == {
        "HAS_ANNOTATION", "HAS_LABEL", "HAS_METADATA", "HAS_SPEC", "IS_ENTITY_KIND", "IS_ENTITY_OWNER",
    }  # fmt: skip
    assert set(rules["IS_ENTITY_OWNER"]) == {"name", "description", "resourceType", "paramsSchema"}


def test_conditions_are_applied_in_one_query_for_each(org, api):
    owned = {
        "rule": "IS_ENTITY_OWNER",
        "resourceType": "catalog-entity",
        "params": {"claims": ["group:default/apples"]},
    }
    body = {"items": [
        _condition(1, A, owned),
        _condition(2, "component:default/b", owned),
        _condition(3, ["Component:default/A", "component:default/gone"], {"not": {"not": owned}}),
        _condition(4, "component:default/b", {"anyOf": [owned, {"rule": "IS_ENTITY_KIND", "resourceType": "catalog-entity", "params": {"kinds": ["Component"]}}]}),
    ]}  # fmt: skip
    answers = api.post(f"{_WELL_KNOWN}/apply-conditions", body)["items"]
    assert [answer["result"] for answer in answers] == ["ALLOW", "DENY", ["ALLOW", "DENY"], "ALLOW"]


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"rule": "NO_SUCH", "params": {}}, "there is no rule"),
        ({"rule": "IS_ENTITY_OWNER", "params": {}}, "required"),
        ({"rule": "IS_ENTITY_OWNER", "params": {"claims": [3]}}, r"items\[0\].conditions.params.claims\[0\]"),
        ({"allOf": []}, "at least one"),
    ],
)
def test_a_condition_that_cannot_be_applied_is_an_input_error(api, conditions, said):
    import re

    error = api.error(400, "POST", f"{_WELL_KNOWN}/apply-conditions", {"items": [_condition(1, A, conditions)]})
    assert re.search(said, error["message"])


def test_people_learn_nothing_of_hidden_entities_by_applying_conditions(ann):
    kind = {"rule": "IS_ENTITY_KIND", "params": {"kinds": ["component"]}}
    ann.error(403, "POST", f"{_WELL_KNOWN}/apply-conditions", {"items": [_condition(1, A, kind)]})
