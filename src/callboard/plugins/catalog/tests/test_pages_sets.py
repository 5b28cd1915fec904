"""Pages of pushed sets and held deletions, redirects of renamed entities, freshness on every entity."""

import pytest

from callboard.plugins.catalog.models import Hold
from callboard.plugins.catalog.services.pushing import push
from callboard.plugins.catalog.tests.engine import component, docs, process, refs, register, write
from callboard.plugins.catalog.tests.pages import Browser, text_of
from callboard.plugins.catalog.tests.test_pushing import one
from callboard.sdk.auth import OPERATOR, act_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(tmp_path):
    file = write(tmp_path / "fleet.yaml", docs(*(component(f"c{n}") for n in range(12))))
    source = register(file)
    write(file, component("c0"))
    process(source)
    return source


def test_a_held_deletion_shows_what_would_go_and_is_confirmed(held):
    root = Browser("root", administrator=True)
    assert "A large deletion waits for a decision" in text_of(root.get("/catalog/ingestion"))
    text = text_of(root.get("/catalog/ingestion/held"))
    assert "11 entities would go" in text
    assert "c11" in text
    assert "Remove 11 entities" in text
    assert "deletion held" in text_of(root.get("/catalog/default/component/c1"))
    answer = root.post("/catalog/-/decide", {"source": str(held.uid), "decision": "confirm"})
    assert answer.headers["Location"] == "/catalog/ingestion/held"
    assert refs() == {"component:default/c0"}
    assert "No deletion is held" in text_of(root.get("/catalog/ingestion/held"))


def test_entities_are_kept_with_who_decided_so(held):
    ann = Browser("ann")
    ann.post("/catalog/-/decide", {"source": str(held.uid), "decision": "keep"})
    text = text_of(ann.get("/catalog/ingestion/held"))
    assert "ann decided that they stay" in text
    assert "Keep them" not in text
    assert len(refs()) == 12
    # Whoever owns nothing of it may not let it go.
    assert ann.post("/catalog/-/decide", {"source": str(held.uid), "decision": "confirm"}).status_code == 403
    ann.post("/catalog/-/decide", {"source": "nonsense", "decision": "confirm"})
    assert Hold.objects.count() == 1


def test_pushed_sets_are_listed_and_removed():
    root = Browser("root", administrator=True)
    assert "Nothing is pushed yet" in text_of(root.get("/catalog/ingestion/pushed"))
    with act_as(OPERATOR, "cli"):
        push("ci", [one("a"), one("b"), {"kind": "Component"}])
    text = text_of(root.get("/catalog/ingestion/pushed"))
    assert "ci pushed by system:operator 2 " in text
    assert "Pushed in the set ci" in text_of(root.get("/catalog/default/component/a"))
    root.post("/catalog/-/remove-set", {"set": "ci"})
    assert refs() == set()


def test_the_page_of_a_renamed_entity_leads_to_the_new_one(tmp_path):
    file = write(tmp_path / "a.yaml", component("a"))
    source = register(file)
    write(file, component("b"))
    process(source)
    answer = Browser().get("/catalog/default/component/a")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/catalog/default/component/b"


def test_an_entity_says_when_it_was_seen_and_when_it_is_looked_at_next(tmp_path):
    register(write(tmp_path / "a.yaml", component("a")))
    text = text_of(Browser().get("/catalog/default/component/a"))
    assert "From its source · seen" in text
    assert "· next look" in text
    assert "Last seen" in text_of(Browser("bob").get("/catalog/default/component/a/source"))
