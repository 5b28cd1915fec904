"""What is answered at once is what the long way answers; what is kept is what would be counted."""

import random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callboard.plugins.catalog.api.express import express
from callboard.plugins.catalog.models import Entity, Relation, State
from callboard.plugins.catalog.selectors import querying
from callboard.plugins.catalog.selectors.querying import EntityQuery
from callboard.plugins.catalog.selectors.remembering import remembered, state
from callboard.plugins.catalog.tests.api import BASE, Api, demo_organisation, policy
from callboard.plugins.catalog.tests.engine import component, process, register, write
from callboard.plugins.catalog.types.filters import parse_filters
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.permissions import RuleUse, deny, only_if

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def demo(django_db_setup, django_db_blocker):
    with demo_organisation(django_db_blocker):
        yield


ANSWERED = [
    "entities/by-name/component/default/{name}",
    "entities/by-query",
    "entities/by-query?limit=3",
    "entities/by-query?limit=0&filter=kind=component",
    "entities/by-query?filter=kind=component,spec.type=service&orderField=metadata.name,desc&limit=2",
    "entities/by-query?filter=kind=component&totalItems=exclude",
    "entities/by-query?filter=kind=component&fullTextFilterTerm=a&fullTextFilterFields=metadata.name,metadata.title",
    "entities/by-query?fullTextFilterTerm=%25",
    "entities/by-query?filter=kind=nonsense",
    "entities?filter=kind=component&limit=4",
    "entities?limit=1000",
    "entity-facets?facet=kind&facet=spec.type",
    "entity-facets?facet=metadata.tags&filter=kind=component",
    "entity-facets?facet=relations.ownedBy&filter=kind=component,kind=api",
    "entity-facets?facet=metadata.annotations.backstage.io/techdocs-ref",
]
LEFT = [
    "entities/by-name/component/default/nobody",
    "entities/by-query?limit=x",
    "entities/by-query?limit=1&limit=2",
    "entities/by-query?cursor=abc",
    "entities/by-query?fields=metadata.name",
    "entities/by-query?filter==x",
    "entities/by-query?orderField=,asc",
    "entities/by-query?filter=kind=%00",
    "entities?limit=0",
    "entities?filter=kind=component",
    "entities?limit=1&offset=3",
    "entity-facets",
    "entities/by-uid/00000000-0000-0000-0000-000000000000",
    "locations",
]


def at_once(path):
    path, _, query = path.partition("?")
    with act_as(OPERATOR, "api"):
        answer = express("GET", path, query, b"")
    return getattr(answer, "content", answer)


def the_long_way(path, monkeypatch):
    monkeypatch.setattr("callboard.core.ui.express.Express._at_once", lambda *_: None)
    return Api("read").call("GET", f"{BASE}/{path}")


@pytest.mark.parametrize("path", ANSWERED)
def test_an_answer_at_once_is_that_of_the_long_way(path, monkeypatch):
    path = path.format(name=Entity.objects.filter(kind="component").first().name)
    quick = Api("read").call("GET", f"{BASE}/{path}")
    assert at_once(path) is not None
    slow = the_long_way(path, monkeypatch)
    assert quick.status_code == slow.status_code == 200
    assert orjson.loads(quick.content) == orjson.loads(slow.getvalue())
    assert quick.headers.get("Link") == slow.headers.get("Link")
    languages = {"Content-Language", "Vary"}  # the long way serves browsers as well
    different = {"X-Request-ID", "X-Request-Id", "Content-Length"}
    assert {k: v for k, v in quick.items() if k not in different} == {
        k: v for k, v in slow.items() if k not in languages | different
    }


@pytest.mark.parametrize("path", LEFT)
def test_what_is_odd_or_wrong_is_left_to_the_long_way(path):
    assert at_once(path) is None


def test_many_by_ref_keep_their_order():
    refs = list(Entity.objects.order_by("-ref").values_list("ref", flat=True)[:20])
    with act_as(OPERATOR, "api"):
        answer = express("POST", "entities/by-refs", "", orjson.dumps({"entityRefs": refs}))
        assert express("POST", "entities/by-refs", "", orjson.dumps({"entityRefs": [*refs, "component:x"]})) is None
    assert [e["metadata"]["name"] for e in orjson.loads(answer)["items"]] == [r.partition("/")[2] for r in refs]


def test_a_token_that_is_not_known_gets_nothing_at_once():
    api = Api()
    api.headers = {"Authorization": "Bearer cbt_nonsense"}
    assert api.call("GET", f"{BASE}/entities?limit=5").status_code == 401
    assert Api().call("GET", f"{BASE}/entities?limit=5").status_code == 401


def test_every_change_gives_the_catalog_another_state(tmp_path):
    seen = [state()]
    source = register(write(tmp_path / "a.yaml", component("a")))
    seen.append(state())
    write(tmp_path / "a.yaml", component("a", owner="bears"))
    process(source)
    seen.append(state())
    Relation.objects.filter(source_ref="component:default/a").delete()
    seen.append(state())
    Entity.objects.filter(name="a").update(orphan=True)
    seen.append(state())
    assert len(set(seen)) == len(seen)
    assert State.objects.count() == 1


def test_an_answer_is_given_again_only_under_its_state():
    statement = "SELECT count(*) FROM cb_catalog_entity WHERE kind = 'api'"
    before = remembered(statement, state())
    assert remembered(statement, state()) is before
    Entity.objects.filter(kind="api").first().delete()
    assert remembered(statement, state())[0][0] == before[0][0] - 1


def test_answers_for_all_are_not_given_to_those_who_may_see_less():
    api, query = Api("read"), {"facet": "kind"}
    kinds = {f["value"] for f in api.get("/entity-facets", **query)["facets"]["kind"]}
    assert "Group" in kinds
    everything = api.get("/entities/by-query", limit=0)["totalItems"]
    only_apis = only_if(RuleUse("IS_ENTITY_KIND", "catalog-entity", {"kinds": ["API"]}), "apis alone")
    with policy(catalog_entity_read=only_apis):
        assert {f["value"] for f in api.get("/entity-facets", **query)["facets"]["kind"]} == {"API"}
        assert api.get("/entities/by-query", limit=0)["totalItems"] < everything
    with policy(catalog_entity_read=deny("closed")):
        assert api.get("/entity-facets", **query)["facets"]["kind"] == []
        assert api.get("/entities/by-query", limit=0)["totalItems"] == 0
    assert api.get("/entities/by-query", limit=0)["totalItems"] == everything


FILTERS = [[], ["kind=component"], ["kind=component,spec.type=service"], ["kind=api", "kind=system"]]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["drop", "type", "tags", "kind"]), st.integers(0, 10_000)), max_size=4))
def test_counts_and_facets_are_those_of_a_recount_after_any_changes(changes):
    for what, seed in changes:
        chosen = Entity.objects.order_by("id")[random.Random(seed).randrange(50)]
        if what == "drop":
            chosen.delete()
        elif what == "type":
            Entity.objects.filter(pk=chosen.pk).update(type=f"t{seed % 3}")
        elif what == "tags":
            Entity.objects.filter(pk=chosen.pk).update(tags=[f"tag{seed % 4}", "java"])
        else:
            Entity.objects.filter(pk=chosen.pk).update(kind="component", kind_name="Component")
        with act_as(OPERATOR, "api"):
            for texts in FILTERS:
                query = EntityQuery(parse_filters(texts))
                found = list(querying.matching(query).values_list("kind_name", "type", "tags"))
                assert querying.page(query, limit=0).total == len(found)
                facets = querying.facets(query, ["kind", "spec.type", "metadata.tags"])
                assert {f["value"]: f["count"] for f in facets["kind"]} == counted(k for k, _, _ in found)
                assert {f["value"]: f["count"] for f in facets["spec.type"]} == counted(t for _, t, _ in found if t)
                tags = [tag for _, _, tags in found for tag in tags]
                assert {f["value"]: f["count"] for f in facets["metadata.tags"]} == counted(tags)


def counted(values):
    out = {}
    for value in values:
        out[value] = out.get(value, 0) + 1
    return out
