"""The page of an entity, of a group, of a person, and of what is not there."""

import pytest

from callboard.plugins.catalog.models import Star, Tombstone, Version
from callboard.plugins.catalog.selectors.pages.history import differences
from callboard.plugins.catalog.tests.engine import component, docs, process, register, unregister, write
from callboard.plugins.catalog.tests.pages import COMPANY, Browser, company, text_of
from callboard.sdk.contributions import EntityCard, EntityTab
from callboard.sdk.plugins import registry

pytestmark = pytest.mark.django_db

BASKET = "/catalog/default/component/basket"


@pytest.fixture
def source(tmp_path):
    return company(tmp_path)


@pytest.fixture
def ann(source):
    return Browser()


@pytest.fixture
def contribute():
    """Let the catalog contribute something for the length of a test."""
    added = []

    def add(item):
        registry._by_type.setdefault(type(item), []).append(("catalog", item))
        added.append(item)

    yield add
    for item in added:
        registry._by_type[type(item)].remove(("catalog", item))


def test_the_overview_says_what_it_is_whose_and_what_it_relates_to(ann):
    page = text_of(ann.get(BASKET))
    for words in ("Basket", "component:default/basket", "The Apples", "Provides API API 1", "tier gold", "Wiki"):
        assert words in page


def test_a_description_is_markdown_and_harmless(ann):
    assert "<strong>fruit</strong>" in ann.get(BASKET).content.decode()


def test_addresses_that_are_none_are_never_linked(ann):
    html = ann.get(BASKET).content.decode()
    assert 'href="https://git.example/basket"' in html
    assert 'href="javascript' not in html


def test_missing_related_entities_are_named(ann):
    page = text_of(ann.get(BASKET))
    assert "One related entity does not exist" in page
    assert "resource:default/gone" in page


def test_relations_are_told_from_either_side(ann):
    assert "API provided by" in text_of(ann.get("/catalog/default/api/basket-api/relations"))
    assert "API consumed by" in text_of(ann.get("/catalog/default/api/basket-api/relations"))


def test_addresses_are_read_in_any_case(ann):
    assert ann.get("/catalog/default/Component/Basket").status_code == 200


def test_the_graph_reaches_as_far_as_it_is_asked_to(ann):
    near = ann.get("/catalog/-/graph?ref=component:default/basket&depth=1").json()
    far = ann.get("/catalog/-/graph?ref=component:default/basket&depth=2").json()
    assert "component:default/till" not in {node["id"] for node in near["nodes"]}
    assert "component:default/till" in {node["id"] for node in far["nodes"]}
    edge = {"from": "component:default/basket", "to": "api:default/basket-api", "label": "Provides API"}
    assert near["edges"].count(edge) == 1
    missing = next(node for node in near["nodes"] if node["id"] == "resource:default/gone")
    assert "not there" in missing["subtitle"]


def test_a_graph_does_not_walk_on_through_groups(ann):
    far = ann.get("/catalog/-/graph?ref=component:default/basket&depth=3").json()
    assert "user:default/ann" not in {node["id"] for node in far["nodes"]}


def test_the_definition_of_an_api_is_shown_as_text(ann):
    html = ann.get("/catalog/default/api/basket-api/definition").content.decode()
    assert "&lt;b&gt;Basket" in html.replace("</span>", "").replace('<span class="l l-Scalar l-Scalar-Plain">', "")
    assert "<b>Basket" not in html


def test_only_what_has_a_definition_has_that_tab(ann):
    assert ann.get(f"{BASKET}/definition").status_code == 404
    assert f"{BASKET}/definition" not in ann.get(BASKET).content.decode()


def test_the_source_tab_says_how_an_entity_came_in(ann, tmp_path):
    page = text_of(ann.get(f"{BASKET}/source"))
    assert str(tmp_path / "catalog-info.yaml") in page
    assert "registered" in page
    assert '"relations"' in text_of(ann.get(f"{BASKET}/source?as=json"))
    assert "relations:" not in page


def test_history_shows_what_differs_between_two_states(ann, source, tmp_path):
    path = tmp_path / "catalog-info.yaml"
    path.write_text(COMPANY.replace("[python, core]", "[python, money]").replace("Holds **fruit**", "Keeps **fruit**"))
    process(source)
    page = text_of(ann.get(f"{BASKET}/history"))
    assert "metadata.tags[core] core" in page
    assert "metadata.tags[money] money" in page
    assert "Holds **fruit**" in page
    assert "Keeps **fruit**" in page
    assert "system:operator" in page
    version = Version.objects.get(ref="component:default/basket")
    same = text_of(ann.get(f"{BASKET}/history?from={version.pk}&to={version.pk}"))
    assert "Choose two different states" in same


def test_a_state_of_another_entity_is_not_shown(ann, source, tmp_path):
    path = tmp_path / "catalog-info.yaml"
    path.write_text(COMPANY.replace("Takes the money.", "Takes the secret."))
    process(source)
    version = Version.objects.get(ref="component:default/till")
    page = text_of(ann.get(f"{BASKET}/history?from={version.pk}&to=now"))
    assert "Takes the money" not in page


def test_a_new_entity_says_that_it_never_changed(ann):
    assert "Unchanged so far" in text_of(ann.get(f"{BASKET}/history"))


def test_lists_of_words_are_compared_as_sets():
    changes = differences({"tags": ["a", "b", "c"]}, {"tags": ["b", "c", "d"]})
    assert [(c.path, c.kind) for c in changes] == [("tags[a]", "removed"), ("tags[d]", "added")]


def test_keys_with_dots_stay_one_step():
    (change,) = differences({"annotations": {"a.b/c": "1"}}, {"annotations": {"a.b/c": "2"}})
    assert (change.path, change.before, change.after) == ('annotations["a.b/c"]', "1", "2")


def test_a_group_shows_members_subgroups_the_way_up_and_what_it_owns(ann):
    page = text_of(ann.get("/catalog/default/group/fruit"))
    assert "Components 1" in page
    assert "With all groups below Components 3 APIs 1 Systems 1" in page
    assert "In groups below Ann Apple" in page
    team = text_of(ann.get("/catalog/default/group/apples"))
    assert "Fruit Company The Apples" in team


def test_groups_that_are_each_others_parents_are_shown_all_the_same(tmp_path):
    text = "\n---\n".join(
        f"apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {{name: {name}}}\n"
        f"spec: {{type: team, parent: {parent}, children: []}}\n"
        for name, parent in (("one", "two"), ("two", "one"))
    )
    company(tmp_path, text)
    assert Browser().get("/catalog/default/group/one").status_code == 200


def test_a_person_shows_profile_groups_and_what_they_own_through_them(ann):
    page = text_of(ann.get("/catalog/default/user/ann"))
    for words in ("ann@fruit.example", "The Apples", "Owns nothing in person", "Through groups Components 3"):
        assert words in page


def test_an_entity_that_is_not_there_is_answered_with_likely_names(ann):
    page = ann.get("/catalog/default/component/baskett")
    assert page.status_code == 404
    assert "Did you mean" in text_of(page)
    assert BASKET in page.content.decode()


def test_a_rejected_entity_says_why_it_is_not_there(tmp_path):
    register(write(tmp_path / "c.yaml", component("broken").replace("  owner: group:apples\n", "")))
    page = ann = Browser().get("/catalog/default/component/broken")
    assert page.status_code == 404
    assert "It was rejected" in text_of(ann)
    assert "spec.owner" in text_of(ann)


def test_a_removed_entity_can_be_brought_back_from_its_own_page(ann, source):
    unregister(source)
    page = ann.get(BASKET)
    assert page.status_code == 404
    assert "It was removed" in text_of(page)
    stone = Tombstone.objects.get(ref="component:default/basket")
    root = Browser("root", administrator=True)
    root.post("/catalog/-/undo", {"tombstone": stone.pk, "next": BASKET})
    process()
    assert ann.get(BASKET).status_code == 200


def test_who_refers_to_what_is_missing_is_told(ann):
    assert "Who refers to it Basket" in text_of(ann.get("/catalog/default/resource/gone"))


def test_starring_answers_the_button_and_is_remembered(ann):
    answer = ann.post("/catalog/-/star", {"star": "1 component:default/basket"}, **{"HX-Request": "true"})
    assert 'aria-pressed="true"' in answer.content.decode()
    assert Star.objects.filter(user_ref="user:default/ann", entity_ref="component:default/basket").exists()
    ann.post("/catalog/-/star", {"star": "0 component:default/basket"})
    assert not Star.objects.exists()


def test_an_entity_that_is_not_there_cannot_be_starred(ann):
    assert ann.post("/catalog/-/star", {"star": "1 component:default/none"}).status_code == 404
    assert not Star.objects.exists()


def test_a_form_never_leads_away_from_the_portal(ann):
    answer = ann.post("/catalog/-/star", {"star": "1 component:default/basket", "next": "//evil.example/"})
    assert answer["Location"] == BASKET


def test_unregistering_shows_first_what_goes_and_then_removes_it(source):
    root = Browser("root", administrator=True)
    address = "/catalog/-/unregister?ref=component:default/basket"
    page = text_of(root.get(address))
    assert "8 entities disappear with it" in page
    assert "till" in page
    assert root.get(BASKET).status_code == 200
    root.post(address)
    assert root.get(BASKET).status_code == 404


def test_what_another_location_declares_as_well_does_not_disappear(source, tmp_path):
    register(write(tmp_path / "two.yaml", docs(component("peel", "group:default/apples"))))
    page = text_of(Browser("root", administrator=True).get(f"/catalog/-/unregister?id={source.uid}"))
    assert "7 entities disappear" in page


def test_people_cannot_unregister_what_others_registered(ann):
    answer = Browser("stranger").post("/catalog/-/unregister?ref=component:default/basket")
    assert answer.status_code == 403
    assert ann.get(BASKET).status_code == 200


def test_cards_of_plugins_come_in_one_answer_and_one_that_fails_fails_alone(ann, contribute):
    def fail(_request, _entity):
        raise RuntimeError("no connection")

    contribute(EntityCard(id="catalog.t1", title="First", render=lambda r, e: f"<p>first of {e.name}</p>"))
    contribute(EntityCard(id="catalog.t2", title="Second", render=fail))
    contribute(EntityCard(id="catalog.t3", title="Groups", kinds=("Group",), render=lambda r, e: "<p>groups</p>"))
    assert "/catalog/-/cards?ref=component%3Adefault/basket" in ann.get(BASKET).content.decode()
    html = ann.get("/catalog/-/cards?ref=component:default/basket").content.decode()
    assert "first of basket" in html
    assert "This card failed" in html
    assert "no connection" not in html
    assert "groups" not in html
    again = ann.get("/catalog/-/cards?ref=component:default/basket&only=catalog.t2").content.decode()
    assert "first of" not in again


def test_a_tab_of_a_plugin_has_its_own_address_and_fails_alone(ann, contribute):
    def fail(_request, _entity):
        raise RuntimeError("boom")

    contribute(EntityTab(id="catalog.t4", title="Works", slug="works", render=lambda r, e: f"<p>tab of {e.name}</p>"))
    contribute(EntityTab(id="catalog.t5", title="Broken", slug="broken", render=fail))
    assert "tab of basket" in text_of(ann.get(f"{BASKET}/works"))
    page = ann.get(f"{BASKET}/broken")
    assert page.status_code == 200
    assert "This tab failed" in text_of(page)
    assert "Works" in text_of(ann.get(BASKET))


def test_the_palette_finds_entities_by_title_and_name(ann):
    html = ann.get("/palette?q=bask").content.decode()
    assert BASKET in html
    assert html.index(BASKET) < html.index("/catalog/default/api/basket-api")
