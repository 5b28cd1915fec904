"""Programs push entities in sets; each set speaks for itself alone."""

import pytest
import yaml

from callboard.lib.problems import ProblemError
from callboard.plugins.catalog.models import Entity, Problem, Source, Tombstone, Version
from callboard.plugins.catalog.services import managing
from callboard.plugins.catalog.services.entities import restore_entity
from callboard.plugins.catalog.services.pushing import SetMissingError, push, remove_set
from callboard.plugins.catalog.tests.api import Api
from callboard.plugins.catalog.tests.engine import (
    ANN,
    catalog_settings,
    codes,
    component,
    entity,
    group,
    process,
    refs,
    register,
    relations,
    write,
)
from callboard.sdk.auth import OPERATOR, Principal, act_as
from callboard.sdk.permissions import NotAllowedError

pytestmark = pytest.mark.django_db

A, B = "component:default/a", "component:default/b"
CI = Principal("service", "service:ci", "CI")


def one(name, owner="group:apples", **spec):
    found = yaml.safe_load(component(name, owner))
    found["spec"].update(spec)
    return found


def results(pushed):
    return {item.ref: item.result for item in pushed.items}


@pytest.fixture(autouse=True)
def operator():
    with act_as(OPERATOR, "cli"):
        yield


def test_a_push_creates_then_changes_then_leaves_alone():
    assert results(push("ci", [one("a"), one("b")])) == {A: "created", B: "created"}
    assert results(push("ci", [one("a"), one("b", "group:pears")])) == {A: "unchanged", B: "changed"}
    before = list(Entity.objects.values_list("ref", "etag", "changed_at"))
    assert results(push("ci", [one("a"), one("b", "group:pears")])) == {A: "unchanged", B: "unchanged"}
    assert list(Entity.objects.values_list("ref", "etag", "changed_at")) == before
    assert Version.objects.count() == 1
    annotations = entity(A)["metadata"]["annotations"]
    assert annotations["backstage.io/managed-by-location"] == "push:ci"


def test_a_difference_keeps_the_rest_and_a_replacement_does_not():
    push("ci", [one("a"), one("b")])
    assert results(push("ci", [one("c")], removed=["Component:A", "component:default/z"])) == {
        "component:default/c": "created",
        A: "removed",
        "component:default/z": "absent",
    }
    assert refs() == {B, "component:default/c"}
    assert results(push("ci", [one("b")], replace=True)) == {B: "unchanged", "component:default/c": "removed"}
    assert refs() == {B}


def test_one_set_never_removes_what_another_brought():
    push("terraform", [one("a")])
    push("ci", [one("b")])
    push("ci", [], replace=True)
    push("ci", [], removed=[A])
    assert refs() == {A}
    taken = push("ci", [one("a", "group:pears")])
    assert [(i.result, i.problems[0].code) for i in taken.items] == [("rejected", "conflict")]
    assert entity(A)["spec"]["owner"] == "group:apples"
    assert remove_set("terraform") == []
    assert entity(A)["spec"]["owner"] == "group:pears"
    assert remove_set("ci") == [A]
    with pytest.raises(SetMissingError):
        remove_set("ci")


def test_a_rejected_item_says_what_where_and_how_and_the_others_go_in():
    bad = one("b")
    del bad["spec"]["owner"]
    pushed = push("ci", [one("a"), bad, "text", one("a"), {"kind": "Component"}])
    assert [item.result for item in pushed.items] == ["created", "rejected", "rejected", "rejected", "rejected"]
    problem = pushed.items[1].problems[0]
    assert (pushed.items[1].ref, problem.place.path) == (B, "spec.owner")
    assert problem.message
    assert problem.remedy
    assert pushed.items[3].problems[0].code == "duplicate"
    assert pushed.counts == {"created": 1, "rejected": 4}
    assert refs() == {A}
    # The ingestion page shows them until a later push of the same set no longer has them.
    assert Problem.objects.filter(ref=B).exists()
    push("ci", [one("b")])
    assert codes() == []


def test_a_broken_item_keeps_what_was_known_of_it():
    push("ci", [one("a"), one("b")])
    bad = one("b")
    bad["spec"]["owner"] = 7
    assert results(push("ci", [one("a"), bad], replace=True)) == {A: "unchanged", B: "rejected"}
    assert refs() == {A, B}
    # Who a nameless one is cannot be told, so nothing is removed.
    push("ci", [one("a"), {"kind": "Component", "metadata": {}}], replace=True)
    assert refs() == {A, B}


def test_a_dry_run_says_the_same_and_changes_nothing():
    push("ci", [one("a"), one("b")])
    dry = push("ci", [one("a", "group:pears"), one("c")], replace=True, dry_run=True)
    assert refs() == {A, B}
    assert Version.objects.count() == Tombstone.objects.count() == 0
    wet = push("ci", [one("a", "group:pears"), one("c")], replace=True)
    assert wet.items == dry.items
    assert results(wet) == {A: "changed", "component:default/c": "created", B: "removed"}
    push("new", [one("x")], dry_run=True)
    assert not Source.objects.filter(target="push:new").exists()


def test_people_come_only_from_administrators_unless_a_rule_says_otherwise():
    team = yaml.safe_load(group("apples"))
    with act_as(CI, "api"):
        assert push("ci", [team]).items[0].problems[0].code == "not-allowed"
        rule = {"allow": ["Group"], "locations": [{"type": "push", "exact": "ci"}]}
        with catalog_settings(rules=[rule, {"allow": ["Component"]}]):
            assert push("ci", [team]).items[0].result == "created"
            assert push("other", [team]).items[0].problems[0].code == "not-allowed"
    assert push("org", [yaml.safe_load(group("pears"))]).items[0].result == "created"


def test_a_push_needs_its_permission_and_a_good_name():
    push("ci", [one("a")])
    with act_as(ANN, "api"):
        assert push("anns", [one("n")]).counts == {"created": 1}
        for call in (lambda: push("ci", [one("b")]), lambda: remove_set("ci")):
            with pytest.raises(NotAllowedError, match="ci"):
                call()
    with act_as(Principal("guest", "user:default/guest"), "ui"), pytest.raises(NotAllowedError):
        push("guests", [one("g")])
    for name in ("", "Ci", "a/b", "-x", "x" * 64, "a\0"):
        with pytest.raises(ProblemError):
            push(name, [one("a")])
    with pytest.raises(ProblemError, match="portal"):
        push("portal", [one("a")])


def test_the_api_pushes_lists_and_removes_sets():
    api = Api("write", "read", "admin")
    made = api.call("PATCH", "/sets/ci", {"entities": [one("a"), one("b")]})
    assert made.status_code == 200
    assert api.get("/sets/ci")["entityRefs"] == [A, B]
    dry = api.call("PUT", "/sets/ci", {"entities": [one("a")]}, {"dryRun": "true"}).content
    assert b'"dryRun":true' in dry
    assert b'"removed":1' in dry
    assert [s["entities"] for s in api.get("/sets")] == [2]
    assert api.get("/entities/by-name/component/default/a/freshness")["source"] == {"type": "push", "target": "ci"}
    assert api.call("DELETE", "/sets/ci").status_code == 204
    api.error(404, "GET", "/sets/ci")
    api.error(404, "DELETE", "/sets/ci")
    api.error(400, "PATCH", "/sets/Bad%20name", {"entities": []})


def test_what_was_removed_from_a_set_can_be_brought_back():
    push("ci", [one("a"), one("b")])
    push("ci", [], removed=[A])
    assert refs() == {B}
    restore_entity(Tombstone.objects.get(ref=A).pk)
    assert refs() == {A, B}
    assert entity(A)["metadata"]["annotations"]["backstage.io/managed-by-location"] == "push:ci"


def test_ten_thousand_pushed_entities_cost_a_bounded_number_of_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(60):
        push("small", [one(f"s{n}") for n in range(10)])
    with django_assert_max_num_queries(60):
        push("big", [one(f"n{n}") for n in range(1000)])


# --- Entities of the portal itself -------------------------------------------


def test_only_owners_change_what_the_portal_manages():
    managing.save_entities([one("a", "group:pears"), one("b")])
    with act_as(ANN, "ui"):
        assert results(managing.save_entities([one("b", lifecycle="deprecated"), one("c")])) == {
            B: "changed",
            "component:default/c": "created",
        }
        for call in (managing.take_over, managing.let_go, managing.delete_managed):
            with pytest.raises(NotAllowedError):
                call([A])
        with pytest.raises(NotAllowedError):
            managing.save_entities([one("a")])
        assert results(managing.delete_managed([B])) == {B: "removed"}


def test_an_entity_moves_between_portal_and_file_without_losing_anything(tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    write(tmp_path / "g.yaml", group("apples"))
    register(tmp_path / "g.yaml")
    source = register(file)
    before = entity(A)
    uid = Entity.objects.get(ref=A).uid
    managing.take_over([A])
    mine = entity(A)
    assert mine["metadata"]["annotations"]["backstage.io/managed-by-location"] == "push:portal"
    assert (mine["spec"], mine["relations"]) == (before["spec"], before["relations"])
    # The file goes on declaring it, and waits.
    write(file, component("a", "group:pears"))
    process(source)
    assert entity(A)["spec"]["owner"] == "group:apples"
    managing.save_entities([one("a", lifecycle="deprecated")])
    assert entity(A)["spec"]["lifecycle"] == "deprecated"
    managing.let_go([A])
    assert entity(A)["spec"]["owner"] == "group:pears"
    assert Entity.objects.get(ref=A).uid == uid
    assert Tombstone.objects.count() == 0
    assert relations("group:default/apples") == set()
    with pytest.raises(ProblemError):
        managing.let_go([A])
    assert refs() == {A, "group:default/apples"}


def test_a_portal_entity_without_a_file_is_not_let_go():
    managing.save_entities([one("a")])
    with pytest.raises(ProblemError, match="No file declares"):
        managing.let_go([A])
    assert refs() == {A}


def test_the_file_of_an_entity_says_what_the_portal_says(tmp_path):
    managing.save_entities([one("a"), one("b")])
    text = managing.as_file([A, B])
    assert list(yaml.safe_load_all(text)) == [
        {**one(name), "metadata": {"name": name, "namespace": "default"}} for name in ("a", "b")
    ]
    register(write(tmp_path / "catalog-info.yaml", text))
    managing.let_go([A, B])
    assert entity(A)["metadata"]["annotations"]["backstage.io/managed-by-location"].startswith("file:")
