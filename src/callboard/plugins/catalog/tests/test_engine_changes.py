"""Who speaks for an entity, how entities go and come back, and what is remembered."""

from datetime import timedelta

import pytest
from django.utils import timezone

from callboard.plugins.catalog.models import Emission, Entity, Problem, Source, Tombstone, Version
from callboard.plugins.catalog.selectors.pages.people import MEMBERS, all_groups_of, group_facts
from callboard.plugins.catalog.services import entities
from callboard.plugins.catalog.services.locations import (
    LocationExistsError,
    LocationMissingError,
    follow_configuration,
    location_entity_ref,
    move_location,
    preview_location,
    register_location,
    unregister_location,
)
from callboard.plugins.catalog.services.processing import process_due
from callboard.plugins.catalog.tests.engine import (
    ANN,
    BOB,
    catalog_settings,
    codes,
    component,
    docs,
    entity,
    group,
    location,
    process,
    refs,
    register,
    relations,
    unregister,
    write,
)
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.permissions import NotAllowedError

pytestmark = pytest.mark.django_db

A, B = "component:default/a", "component:default/b"


# --- Conflicts ------------------------------------------------------------------


def test_the_first_location_keeps_an_entity_until_it_goes(tmp_path):
    first = register(write(tmp_path / "one" / "a.yaml", component("a", owner="one")))
    second = register(write(tmp_path / "two" / "a.yaml", component("a", owner="two")))
    assert entity(A)["spec"]["owner"] == "one"
    problem = Problem.objects.get()
    assert (problem.code, problem.source_id, problem.ref) == ("conflict", second.pk, A)
    assert str(tmp_path / "one" / "a.yaml") in problem.message
    write(tmp_path / "two" / "a.yaml", docs(component("a", owner="two"), component("b")))
    process(second)
    assert codes() == ["conflict"], "another change of the loser does not hide the conflict"
    assert unregister(first) == [location_entity_ref("file", first.target)]
    assert entity(A)["spec"]["owner"] == "two"
    assert codes() == []


def test_an_entity_that_moves_to_another_location_in_one_go_makes_no_conflict(tmp_path):
    one, two = write(tmp_path / "1.yaml", component("a")), write(tmp_path / "2.yaml", component("b"))
    sources = register(one), register(two)
    uid = Entity.objects.get(ref=A).uid
    write(one, component("c"))
    write(two, docs(component("b"), component("a")))
    process(*sources)
    assert refs() == {A, B, "component:default/c"}
    assert codes() == []
    assert Entity.objects.get(ref=A).uid == uid
    assert entity(A)["metadata"]["annotations"]["backstage.io/managed-by-location"] == f"file:{two}"


def test_the_same_file_through_two_locations_is_no_conflict(tmp_path):
    write(tmp_path / "x" / "a.yaml", component("a"))
    write(tmp_path / "1.yaml", location("one", "./x/a.yaml"))
    write(tmp_path / "2.yaml", location("two", "./x/a.yaml", "./x/*.yaml"))
    first, second = register(tmp_path / "1.yaml"), register(tmp_path / "2.yaml")
    assert codes() == []
    assert A in refs()
    write(tmp_path / "x" / "a.yaml", component("a", owner="new"))
    process(*Source.objects.exclude(type="provider"))
    assert entity(A)["spec"]["owner"] == "new"
    unregister(first)
    assert A in refs()
    unregister(second)
    assert refs() == set()


# --- Unregistering and undo -------------------------------------------------------


def test_unregistering_removes_exactly_what_it_alone_brought(tmp_path):
    write(tmp_path / "shared.yaml", component("shared"))
    one = register(write(tmp_path / "one.yaml", docs(location("one", "./shared.yaml", "./only.yaml"), component("a"))))
    write(tmp_path / "only.yaml", component("only"))
    process(*Source.objects.filter(target__endswith="only.yaml"))
    register(write(tmp_path / "two.yaml", docs(location("two", "./shared.yaml"), component("b"))))
    gone = set(unregister(one))
    assert gone == {
        A,
        "component:default/only",
        "location:default/one",
        location_entity_ref("file", one.target),
    }
    assert refs() == {B, "component:default/shared", "location:default/two"}
    assert set(Tombstone.objects.values_list("ref", flat=True)) == gone
    assert set(Tombstone.objects.values_list("reason", flat=True)) == {"unregistered"}
    assert Tombstone.objects.first().removed_by == OPERATOR.ref
    process()
    origin = entity("component:default/shared")["metadata"]["annotations"]["backstage.io/managed-by-origin-location"]
    assert origin == f"file:{tmp_path}/two.yaml"


def test_locations_that_name_each_other_are_read_once_and_go_together(tmp_path):
    write(tmp_path / "1.yaml", docs(location("one", "./2.yaml"), component("a")))
    write(tmp_path / "2.yaml", docs(location("two", "./1.yaml", "./2.yaml"), component("b")))
    source = register(tmp_path / "1.yaml")
    assert refs() == {A, B, "location:default/one", "location:default/two"}
    unregister(source)
    assert refs() == set()
    assert Source.objects.exclude(type="provider").count() == 0
    assert Emission.objects.count() == 0


def test_undoing_an_unregistering_brings_everything_back(tmp_path):
    write(tmp_path / "sub.yaml", component("b"))
    source = register(write(tmp_path / "a.yaml", docs(component("a"), location("sub", "./sub.yaml"))))
    unregister(source)
    for ref in (B, location_entity_ref("file", source.target)):
        tombstone = Tombstone.objects.get(ref=ref, restored_at=None)
        with act_as(OPERATOR, "cli"):
            assert entities.restore_entity(tombstone.pk) == ref
        process()
        assert refs() == {A, B, "location:default/sub"}
        assert not Tombstone.objects.filter(restored_at=None).exists()
        unregister(Source.objects.get(registered=True))


def test_what_a_source_no_longer_declares_cannot_be_undone_and_says_so(tmp_path):
    file = write(tmp_path / "a.yaml", docs(component("a"), component("b")))
    source = register(file)
    write(file, component("a"))
    process(source)
    with act_as(OPERATOR, "cli"), pytest.raises(entities.NotRestorableError, match="no longer declares"):
        entities.restore_entity(Tombstone.objects.get().pk)


def test_the_time_to_undo_ends(tmp_path):
    source = register(write(tmp_path / "a.yaml", component("a")))
    unregister(source)
    Tombstone.objects.update(undo_until=timezone.now() - timedelta(days=1))
    with act_as(OPERATOR, "cli"), pytest.raises(entities.NotRestorableError, match="ended"):
        entities.restore_entity(Tombstone.objects.first().pk)


def test_a_deleted_entity_comes_back_with_another_uid_while_its_source_declares_it(tmp_path):
    source = register(write(tmp_path / "a.yaml", component("a")))
    before = Entity.objects.get(ref=A).uid
    with act_as(OPERATOR, "cli"):
        entities.remove_entity(A)
    assert refs() == set()
    source.refresh_from_db()
    assert source.due_at <= timezone.now()
    process(source)
    assert Entity.objects.get(ref=A).uid != before
    assert Tombstone.objects.get().restored_at is not None


def test_deleting_the_location_entity_of_a_registration_unregisters_it(tmp_path):
    source = register(write(tmp_path / "a.yaml", component("a")))
    with act_as(OPERATOR, "cli"):
        entities.remove_entity(location_entity_ref("file", source.target))
    assert not Entity.objects.exists()
    assert not Source.objects.filter(registered=True).exists()


@pytest.mark.parametrize("strategy", ["delete", "keep"])
def test_orphans_go_or_stay_as_configured(tmp_path, strategy):
    write(tmp_path / "b.yaml", component("b"))
    file = write(tmp_path / "a.yaml", docs(component("a"), location("l", "./b.yaml")))
    with catalog_settings(orphan_strategy=strategy):
        source = register(file)
        write(file, component("c"))
        process(source)
        if strategy == "delete":
            assert refs() == {"component:default/c"}
            return
        assert refs() == {A, B, "component:default/c", "location:default/l"}
        assert entity(A)["metadata"]["annotations"]["backstage.io/orphan"] == "true"
        assert entity("location:default/l")["metadata"]["annotations"]["backstage.io/orphan"] == "true"
        assert "backstage.io/orphan" not in entity(B)["metadata"]["annotations"], "its location still names it"
        write(file, component("a"))
        process(source)
        assert "backstage.io/orphan" not in entity(A)["metadata"]["annotations"]
        unregister(source)
        assert A not in refs(), "unregistering removes what it brought in any case"


def test_the_other_ends_of_a_removed_entity_forget_it(tmp_path):
    register(write(tmp_path / "g.yaml", group("apples")))
    source = register(write(tmp_path / "a.yaml", component("a")))
    assert relations("group:default/apples") == {("ownerOf", A)}
    unregister(source)
    assert relations("group:default/apples") == set()


# --- Memory -------------------------------------------------------------------


def test_every_state_is_kept_with_who_ended_it_and_when(tmp_path):
    file = write(tmp_path / "a.yaml", component("a", owner="one"))
    source = register(file)
    write(file, component("a", owner="two"))
    process(source, who=ANN)
    write(file, component("b"))
    process(source)
    first, second = Version.objects.filter(ref=A).order_by("id")
    assert ('"one"' in first.entity, first.ended_how, first.ended_by) == (True, "changed", ANN.ref)
    assert ('"two"' in second.entity, second.ended_how) == (True, "removed")
    assert first.location == f"file:{file}"
    assert first.valid_from <= first.valid_to <= second.valid_to
    assert "uid" not in first.entity
    assert "relations" not in first.entity


# --- Registering ----------------------------------------------------------------


def test_a_location_is_registered_once(tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    register(file)
    with act_as(OPERATOR, "cli"), pytest.raises(LocationExistsError):
        register_location("file", str(file))


def test_only_who_registered_a_location_or_owns_all_of_it_unregisters_it(tmp_path):
    register(write(tmp_path / "g.yaml", group("apples")))
    mine = register(write(tmp_path / "a.yaml", component("a")))
    with pytest.raises(NotAllowedError):
        unregister(mine, who=BOB)
    assert A in refs()
    unregister(mine, who=ANN)
    assert A not in refs()
    with act_as(ANN, "api"), pytest.raises(LocationMissingError):
        unregister_location("nonsense")


def test_a_moved_location_keeps_its_id_and_what_both_targets_declare(tmp_path):
    source = register(write(tmp_path / "1.yaml", docs(component("a"), component("b"))))
    write(tmp_path / "2.yaml", component("c"))
    with act_as(OPERATOR, "cli"):
        moved = move_location(str(source.uid), "file", str(tmp_path / "2.yaml"))
        process_due()
    assert moved.uid == source.uid
    assert refs() == {"component:default/c"}
    assert Source.objects.get(registered=True).target.endswith("2.yaml")


def test_a_preview_shows_the_tree_and_writes_nothing(tmp_path):
    write(tmp_path / "b.yaml", docs(component("b"), component("b")))
    write(tmp_path / "a.yaml", docs(component("a"), location("l", "./b.yaml", "./a.yaml")))
    with act_as(OPERATOR, "cli"):
        preview = preview_location("file", str(tmp_path / "a.yaml"))
    assert [e.ref for e in preview.entities] == [A, "location:default/l", B]
    assert [p.problem.code for p in preview.problems] == ["duplicate"]
    assert not preview.exists
    assert not Source.objects.exists()
    assert not Entity.objects.exists()


def test_locations_of_the_configuration_come_and_go_with_it(tmp_path):
    write(tmp_path / "a.yaml", docs(component("a"), group("g")))
    listed = [{"type": "file", "target": str(tmp_path / "a.yaml")}]
    with catalog_settings(locations=listed), act_as(OPERATOR, "system"):
        follow_configuration()
        process_due()
        follow_configuration()
        assert refs() == {A, "group:default/g"}
        source = Source.objects.get(registered=True)
        with pytest.raises(NotAllowedError, match=r"callboard\.yaml"):
            unregister(source)
        with pytest.raises(NotAllowedError, match=r"callboard\.yaml"):
            entities.remove_entity(location_entity_ref("file", source.target))
    with act_as(OPERATOR, "system"):
        follow_configuration()
    assert refs() == set()


def person(name, groups):
    return f"""\
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {{name: {name}}}
spec: {{memberOf: [{", ".join(groups)}]}}
"""


def test_a_crowd_and_a_person_in_many_groups_cost_no_query_for_each(tmp_path, django_assert_max_num_queries):
    names = ["crowd", *(f"crew-{n}" for n in range(40))]
    people = [person(f"member-{n}", ["crowd"]) for n in range(300)]
    register(write(tmp_path / "crowd.yaml", docs(*map(group, names), *people, person("everywhere", names))))
    with act_as(OPERATOR, "cli"):
        with django_assert_max_num_queries(12):
            facts = group_facts("group:default/crowd")
        assert len(facts.members) == MEMBERS
        with django_assert_max_num_queries(2):
            assert all_groups_of("user:default/everywhere") == [f"group:default/{name}" for name in sorted(names)]
