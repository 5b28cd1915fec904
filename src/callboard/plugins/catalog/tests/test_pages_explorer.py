"""The relations explorer: what it draws, what it leaves out, and what it says of questions nobody could mean."""

import itertools

import pytest

from callboard.plugins.catalog.models import Entity, Relation
from callboard.plugins.catalog.selectors.pages import explorer
from callboard.plugins.catalog.selectors.pages.explorer import explore
from callboard.plugins.catalog.tests.engine import ANN
from callboard.plugins.catalog.tests.pages import Browser, company, text_of
from callboard.plugins.catalog.types.exploring import Exploration
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.permissions import DefaultPolicy, deny, use_policy

pytestmark = pytest.mark.django_db

GRAPH = "/catalog/-/explore"
BASKET, TILL, API = "component:default/basket", "component:default/till", "api:default/basket-api"


@pytest.fixture
def ann(tmp_path):
    company(tmp_path)
    return Browser()


@pytest.fixture
def operator():
    with act_as(OPERATOR, "cli"):
        yield


def graph(browser, query=""):
    answer = browser.get(f"{GRAPH}?{query}").json()
    return {node["id"] for node in answer["nodes"]}, {(e["from"], e["label"], e["to"]) for e in answer["edges"]}, answer


def chain(length, *, system=""):
    """Entities that depend on each other in a row, written straight into the tables."""
    refs = [f"component:default/link-{n:05}" for n in range(length)]
    Entity.objects.bulk_create(
        Entity(ref=ref, kind="component", kind_name="Component", namespace="default", name=ref[18:], system_ref=system)
        for ref in refs
    )
    Relation.objects.bulk_create(
        relation
        for one, other in itertools.pairwise(refs)
        for relation in (
            Relation(origin_ref=one, source_ref=one, type="dependsOn", target_ref=other),
            Relation(origin_ref=one, source_ref=other, type="dependencyOf", target_ref=one),
        )
    )
    return refs


def test_everything_that_is_built_is_drawn_without_people(ann):
    nodes, edges, answer = graph(ann)
    assert {BASKET, TILL, API, "system:default/shop"} <= nodes
    assert not {node for node in nodes if node.startswith(("user:", "group:", "location:"))}
    assert (BASKET, "Provides API", API) in edges
    assert answer["notice"] == f"{len(nodes)} entities"


def test_each_relation_is_drawn_once_from_the_side_that_declares_it(ann):
    _, edges, _ = graph(ann)
    assert (API, "API provided by", BASKET) not in edges


def test_chosen_kinds_and_relations_narrow_the_drawing(ann):
    nodes, edges, _ = graph(ann, "kind=component&kind=api&relation=consumesApi")
    assert "system:default/shop" not in nodes
    assert edges == {(TILL, "Consumes API", API)}


def test_a_drawing_around_an_entity_goes_as_far_and_in_the_direction_asked_for(ann):
    assert TILL not in graph(ann, f"root={BASKET}&depth=1")[0]
    assert TILL in graph(ann, f"root={BASKET}&depth=2")[0]
    assert TILL not in graph(ann, f"root={BASKET}&depth=2&direction=out")[0]
    assert graph(ann, f"root={API}&depth=1&direction=in")[0] == {API, BASKET, TILL}


def test_a_name_is_enough_to_start_from(ann):
    assert BASKET in graph(ann, "root=basket&depth=1")[0]
    assert text_of(ann.get("/catalog/explore?root=basket")).count("How far")


def test_the_shortest_way_between_two_entities_is_found_from_both_ends(ann, operator):
    nodes, edges, answer = graph(ann, f"root={BASKET}&to={TILL}")
    assert nodes == {BASKET, API, TILL}
    assert len(edges) == 2
    assert answer["notice"] == "2 steps"
    refs = chain(12)
    way = explore(Exploration(root=refs[0], goal=refs[-1]))
    assert list(way.nodes) == refs
    assert not explore(Exploration(root=refs[0], goal=refs[-1], direction="in")).found
    assert explore(Exploration(root=refs[0], goal=refs[-1], direction="out")).found


def test_no_way_is_said_in_words(ann):
    _, edges, answer = graph(ann, f"root={BASKET}&to=component:default/peel")
    assert not edges
    assert answer["notice"] == "No way leads from Basket to peel."


def test_systems_stand_for_their_parts(ann, operator):
    chain(3, system="system:default/one")
    other = "component:default/other"
    Entity.objects.create(
        ref=other,
        kind="component",
        kind_name="Component",
        namespace="default",
        name="other",
        system_ref="system:default/two",
    )
    for target in ("component:default/link-00000", "component:default/link-00001"):
        Relation.objects.create(origin_ref=other, source_ref=other, type="dependsOn", target_ref=target)
    folded = explore(Exploration(fold="system"))
    assert folded.members["system:default/one"] == 3
    assert folded.weights == {("system:default/two", "dependsOn", "system:default/one"): 2}


def test_domains_stand_for_the_parts_of_their_systems(operator):
    chain(2, system="system:default/one")
    Relation.objects.create(
        origin_ref="system:default/one",
        source_ref="system:default/one",
        type="partOf",
        target_ref="domain:default/trade",
    )
    folded = explore(Exploration(fold="domain"))
    assert folded.members == {"domain:default/trade": 2}


def test_a_drawing_has_a_limit_and_says_so(operator, monkeypatch):
    monkeypatch.setattr(explorer, "NODES", 10)
    chain(25)
    everything = explore(Exploration())
    assert (len(everything.nodes), everything.total, everything.cut) == (10, 25, True)
    around = explore(Exploration(root="component:default/link-00000", depth=5))
    assert len(around.nodes) == 6
    assert not around.cut


def test_what_nobody_may_see_is_not_drawn(ann):
    class Closed(DefaultPolicy):
        def decide(self, permission, who):
            return deny("closed") if permission.id == "catalog.entity.read" else super().decide(permission, who)

    use_policy(Closed())
    try:
        with act_as(ANN, "ui"):
            assert not explore(Exploration()).nodes
            assert not explore(Exploration(fold="system")).nodes
    finally:
        use_policy(DefaultPolicy())


def test_the_table_says_what_the_drawing_says(ann):
    page = text_of(ann.get("/catalog/explore?view=table&kind=component&kind=api"))
    assert "Basket Provides API basket-api" in page
    assert "till Consumes API basket-api" in page


def test_the_drawing_of_the_original_has_the_same_address(ann):
    assert ann.get("/catalog-graph").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "root=%00",
        "root=nobody",
        "to=nobody",
        f"to={BASKET}",
        "kind=%00",
        "depth=99&direction=up&fold=x",
        "relation=x",
        "page=-1&view=table",
    ],
)
def test_questions_nobody_could_mean_are_answered(ann, query):
    assert ann.get(f"/catalog/explore?{query}").status_code == 200
    assert ann.get(f"{GRAPH}?{query}").status_code == 200


def test_an_entity_that_is_not_there_is_named(ann):
    assert "There is no entity called “nobody”." in text_of(ann.get("/catalog/explore?root=nobody"))


def test_names_are_suggested_while_typing(ann):
    assert f'value="{BASKET}"' in ann.get("/catalog/-/names?root=bask").content.decode()
    assert ann.get("/catalog/-/names?root=").content.decode().strip() == ""
