"""Mass deletions wait for somebody, renames leave redirects, and every entity says how fresh it is."""

from dataclasses import replace

import pytest

from callboard.plugins.catalog.models import Hold, Redirect, Source, Star, Tombstone
from callboard.plugins.catalog.selectors.sets import freshness_of, holds, renamed_to
from callboard.plugins.catalog.services.deciding import HoldMissingError, confirm_deletion, keep_entities
from callboard.plugins.catalog.services.entities import star
from callboard.plugins.catalog.services.pushing import push
from callboard.plugins.catalog.tests.api import Api
from callboard.plugins.catalog.tests.engine import (
    ANN,
    BOB,
    catalog_settings,
    component,
    docs,
    process,
    refs,
    register,
    write,
)
from callboard.plugins.catalog.tests.test_pushing import one, results
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.permissions import NotAllowedError

pytestmark = pytest.mark.django_db

A, B = "component:default/a", "component:default/b"


@pytest.fixture(autouse=True)
def operator():
    with act_as(OPERATOR, "cli"):
        yield


def fleet(tmp_path, count=12):
    file = write(tmp_path / "fleet.yaml", docs(*(component(f"c{n}") for n in range(count))))
    return file, register(file)


def test_a_source_that_suddenly_says_nearly_nothing_keeps_its_entities(tmp_path):
    file, source = fleet(tmp_path)
    write(file, component("c0"))
    done = process(source)
    assert len(done.held) == 11
    assert len(refs()) == 12
    (hold,) = holds()
    assert (hold.state, hold.known, len(hold.refs)) == ("open", 12, 11)
    assert Tombstone.objects.count() == 0


def test_a_held_deletion_is_released_when_the_source_says_it_again(tmp_path):
    file, source = fleet(tmp_path)
    text = file.read_text()
    write(file, component("c0"))
    process(source)
    write(file, text)
    process(source)
    assert holds() == []
    assert len(refs()) == 12


def test_a_confirmed_deletion_happens_and_can_be_undone_like_any_other(tmp_path):
    file, source = fleet(tmp_path)
    write(file, component("c0"))
    process(source)
    assert len(confirm_deletion(str(source.uid))) == 11
    assert refs() == {"component:default/c0"}
    assert Tombstone.objects.count() == 11
    assert holds() == []
    process(source)
    assert refs() == {"component:default/c0"}
    with pytest.raises(HoldMissingError):
        confirm_deletion(str(source.uid))


def test_entities_that_somebody_keeps_stay_until_more_is_lost(tmp_path):
    file, source = fleet(tmp_path, 30)
    write(file, docs(*(component(f"c{n}") for n in range(12))))
    process(source)
    assert keep_entities(str(source.uid)) == 18
    write(file, docs(*(component(f"c{n}", "group:pears") for n in range(12))))
    process(source)
    assert len(refs()) == 30
    assert [h.state for h in holds()] == ["kept"]
    write(file, component("c0"))
    process(source)
    assert [(h.state, len(h.refs)) for h in holds()] == [("open", 29)]
    assert len(refs()) == 30


def test_few_losses_and_small_shares_go_at_once(tmp_path):
    file, source = fleet(tmp_path, 30)
    write(file, docs(*(component(f"c{n}") for n in range(16))))
    process(source)
    assert len(refs()) == 16
    write(file, docs(*(component(f"c{n}") for n in range(7))))
    process(source)
    assert len(refs()) == 7
    with catalog_settings(hold={"share": 0.1, "minimum": 2}):
        write(file, component("c0"))
        process(source)
    assert len(refs()) == 7


def test_a_replaced_set_holds_what_it_would_lose_unless_told_otherwise():
    push("ci", [one(f"c{n}") for n in range(12)])
    found = results(push("ci", [], replace=True))
    assert set(found.values()) == {"held"}
    assert len(refs()) == 12
    assert set(results(push("ci", [], replace=True, confirmed=True)).values()) == {"removed"}
    assert refs() == set()
    assert not Hold.objects.exists()


def test_only_those_who_may_decide_on_a_held_deletion(tmp_path):
    file, source = fleet(tmp_path)
    write(file, component("c0"))
    process(source)
    with act_as(BOB, "api"), pytest.raises(NotAllowedError, match="own"):
        confirm_deletion(str(source.uid))
    guest = replace(BOB, type="guest")
    for decide in (confirm_deletion, keep_entities):
        with act_as(guest, "api"), pytest.raises(NotAllowedError):
            decide(str(source.uid))
    assert len(refs()) == 12
    with act_as(ANN, "api"):
        assert len(confirm_deletion(str(source.uid))) == 11


def test_the_api_lists_and_decides_held_deletions(tmp_path):
    file, source = fleet(tmp_path)
    write(file, component("c0"))
    process(source)
    api = Api("write", "read", "admin")
    (held,) = api.get("/held-deletions")
    assert held["id"] == str(source.uid)
    assert len(held["entityRefs"]) == 11
    assert api.get("/entities/by-name/component/default/c1/freshness")["held"] is True
    assert api.post(f"/held-deletions/{held['id']}", {"decision": "keep"}) == {"kept": 11}
    assert len(api.post(f"/held-deletions/{held['id']}", {"decision": "confirm"})["removed"]) == 11
    api.error(404, "POST", f"/held-deletions/{held['id']}", {"decision": "confirm"})
    api.error(400, "POST", f"/held-deletions/{held['id']}", {"decision": "maybe"})


# --- Renames -----------------------------------------------------------------


def test_an_entity_renamed_in_its_place_leaves_a_redirect_and_keeps_its_stars(tmp_path):
    file = write(tmp_path / "a.yaml", docs(component("first"), component("a"), component("last")))
    source = register(file)
    with act_as(ANN, "ui"):
        star(A, on=True)
    write(file, docs(component("first"), component("b"), component("last")))
    process(source)
    assert renamed_to(A) == B
    assert Star.objects.filter(user_ref=ANN.ref, entity_ref=B).exists()
    write(file, docs(component("first"), component("c"), component("last")))
    process(source)
    assert renamed_to(A) == "component:default/c"
    write(file, docs(component("first"), component("a"), component("last")))
    process(source)
    # Whoever comes back under its name is itself again.
    assert renamed_to(A) is None
    assert renamed_to(B) == A


def test_one_for_one_in_a_file_is_a_rename_and_more_is_not(tmp_path):
    file = write(tmp_path / "a.yaml", docs(component("x"), component("a")))
    source = register(file)
    write(file, docs("# A comment that moves everything\n\n" + component("x"), component("b")))
    process(source)
    assert renamed_to(A) == B
    write(file, docs(component("x")))
    process(source)
    write(file, docs(component("x"), component("new")))
    process(source)
    assert renamed_to(B) is None
    assert Redirect.objects.count() == 1


def test_a_declared_alias_is_a_redirect_across_files(tmp_path):
    text = component("b").replace("  name: b", "  name: b\n  annotations: {callboard.dev/aliases: 'a, api:other/a, :'}")
    register(write(tmp_path / "b.yaml", text))
    assert renamed_to(A) == B
    assert renamed_to("api:other/a") == B


def test_the_api_answers_404_for_the_old_name_and_says_the_new_one(tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    source = register(file)
    write(file, component("b"))
    process(source)
    error = Api("read").error(404, "GET", "/entities/by-name/component/default/a")
    assert error["message"].startswith("No entity named 'a' found, with kind 'component' in namespace 'default'")
    assert error["renamedTo"] == B


# --- Freshness ---------------------------------------------------------------


def test_every_entity_says_where_it_comes_from_and_how_fresh_it_is(tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    source = register(file)
    found = freshness_of(A)
    assert (found.source_type, found.source, found.held) == ("file", str(file), False)
    assert found.last_seen == source.read_at
    assert found.next_refresh > found.last_seen
    changed = found.last_changed
    process(source)
    again = freshness_of(A)
    assert again.last_seen > found.last_seen
    assert again.last_changed == changed
    file.unlink()
    process(source)
    lost = freshness_of(A)
    assert lost.failures == 1
    assert lost.last_seen == Source.objects.get(pk=source.pk).ok_at
    push("ci", [one("p")])
    pushed = freshness_of("component:default/p")
    assert (pushed.source_type, pushed.source, pushed.next_refresh) == ("push", "ci", None)
    assert freshness_of("component:default/none") is None
