"""The register wizard and the ingestion pages."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from callboard.plugins.catalog.models import Problem, Source, Tombstone
from callboard.plugins.catalog.tests.engine import component, docs, process, refs, register, unregister, write
from callboard.plugins.catalog.tests.pages import Browser, company, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db):
    return Browser("root", administrator=True)


@pytest.fixture
def broken(tmp_path):
    return register(
        write(
            tmp_path / "c.yaml",
            docs(component("good"), component("typo").replace("kind: Component", "kind: Componnent")),
        )
    )


def test_looking_shows_entities_and_problems_and_writes_nothing(root, tmp_path):
    path = write(tmp_path / "c.yaml", docs(component("good"), component("bad").replace("  owner: group:apples\n", "")))
    page = text_of(root.post("/catalog/register", {"step": "look", "location": str(path)}))
    assert "One entity found" in page
    assert "good Component new" in page
    assert "spec.owner" in page
    assert f"{path}:" in page
    assert not Source.objects.filter(registered=True).exists()
    assert not Problem.objects.exists()


def test_registering_leads_to_a_page_that_waits_for_the_entities(root, tmp_path):
    path = write(tmp_path / "c.yaml", component("good"))
    answer = root.post("/catalog/register", {"step": "register", "location": str(path)})
    watch = answer["Location"]
    assert 'hx-trigger="load delay:1s"' in root.get(watch).content.decode()
    process()
    done = root.get(f"{watch}?part=1").content.decode()
    assert "hx-trigger" not in done
    assert "/catalog/default/component/good" in done


def test_watching_ends_when_nothing_comes(root, tmp_path):
    path = write(tmp_path / "c.yaml", component("good"))
    watch = root.post("/catalog/register", {"step": "register", "location": str(path)})["Location"]
    page = root.get(f"{watch}?try=150")
    assert 'hx-trigger="load delay' not in page.content.decode()
    assert "callboard doctor" in text_of(page)


def test_registering_twice_shows_what_it_brings(root, tmp_path):
    path = write(tmp_path / "c.yaml", component("good"))
    source = register(path)
    answer = root.post("/catalog/register", {"step": "register", "location": str(path)})
    assert answer["Location"] == f"/catalog/register/{source.uid}"


def test_a_location_without_entities_gets_a_file_to_copy(root, tmp_path):
    (tmp_path / "empty.yaml").write_text("")
    page = text_of(root.post("/catalog/register", {"step": "look", "location": str(tmp_path / "empty.yaml")}))
    assert "No entity file found" in page
    assert "kind : Component" in page or "kind: Component" in page


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "file:/etc/hosts", "file:///srv/repo", "git:file:///srv/repo", "relative"]
)
def test_paths_of_this_machine_are_for_administrators(db, text):
    answer = Browser().post("/catalog/register", {"step": "look", "location": text})
    assert answer.status_code == 422
    assert "only administrators" in text_of(answer)
    assert Browser("bob").post("/catalog/register", {"step": "register", "location": text}).status_code == 422
    assert not Source.objects.filter(registered=True).exists()


@pytest.mark.parametrize(
    ("text", "words"), [("", "Nothing was entered"), ("https://x\nhttps://y", "cannot be part of one")]
)
def test_what_cannot_be_an_address_is_answered_with_a_remedy(root, text, words):
    answer = root.post("/catalog/register", {"step": "look", "location": text})
    assert answer.status_code == 422
    assert words in text_of(answer)


def test_a_host_that_must_not_be_asked_is_a_named_problem(root):
    page = text_of(root.post("/catalog/register", {"step": "look", "location": "http://127.0.0.1:9/c.yaml"}))
    assert "127.0.0.1" in page
    assert "catalog.reading.allow" in page
    assert "No entity file found" not in page


def test_the_old_address_of_the_wizard_works(root):
    assert root.get("/catalog-import").status_code == 200


def test_every_problem_stands_with_place_reason_and_remedy(root, broken):
    page = text_of(root.get("/catalog/ingestion"))
    assert 'No kind "Componnent" is known here.' in page
    assert 'Did you mean "Component"?' in page
    assert re.search(r"c\.yaml:\d+", page)
    assert "unknown-kind" in page


def test_problems_are_filtered_by_text_reason_severity_and_location(root, broken, tmp_path):
    register(tmp_path / "none.yaml")
    assert "unknown-kind (1)" in text_of(root.get("/catalog/ingestion"))
    assert "Componnent" not in text_of(root.get("/catalog/ingestion?code=not-found")).replace("unknown-kind", "")
    assert "does not exist" not in text_of(root.get(f"/catalog/ingestion?source={broken.uid}"))
    assert "No problem matches" in text_of(root.get("/catalog/ingestion?text=zzz"))
    assert "No problem matches" in text_of(root.get("/catalog/ingestion?source=no-id"))
    assert "No problem matches" in text_of(root.get("/catalog/ingestion?severity=warning"))


def test_a_dismissed_problem_is_gone_until_it_is_found_again(root, broken):
    problem = Problem.objects.get()
    root.post("/catalog/-/dismiss", {"problem": problem.pk})
    assert "Everything could be used" in text_of(root.get("/catalog/ingestion"))
    root.post("/catalog/-/refresh-location", {"id": broken.uid})
    process()
    assert "Componnent" in text_of(root.get("/catalog/ingestion"))


def test_locations_say_how_they_are(root, broken, tmp_path):
    register(tmp_path / "none.yaml")
    page = text_of(root.get("/catalog/ingestion/locations"))
    assert "cannot be read 0 1" in page
    assert "with problems 1 1" in page
    failing = text_of(root.get("/catalog/ingestion/locations?state=failing"))
    assert "none.yaml" in failing
    assert "c.yaml file" not in failing
    assert "No location matches" in text_of(root.get("/catalog/ingestion/locations?registered=no"))


def test_removed_entities_can_be_brought_back(root, tmp_path):
    source = company(tmp_path)
    unregister(source)
    page = root.get("/catalog/ingestion/removed?text=basket&kind=Component")
    assert "component:default/basket" in text_of(page)
    stone = Tombstone.objects.get(ref="component:default/basket")
    root.post("/catalog/-/undo", {"tombstone": stone.pk})
    process()
    assert "component:default/basket" in refs()
    assert "component:default/basket" not in text_of(root.get("/catalog/ingestion/removed"))


def test_too_late_is_said_instead_of_offered(root, tmp_path):
    unregister(company(tmp_path))
    Tombstone.objects.update(undo_until=timezone.now() - timedelta(days=1))
    assert "too late" in text_of(root.get("/catalog/ingestion/removed"))
    stone = Tombstone.objects.first()
    page = root.client.post("/catalog/-/undo", {"tombstone": stone.pk}, follow=True)
    assert "cannot be brought back" in page.content.decode()


@pytest.mark.parametrize("number", ["", "x", "0", "999999", "²", "9" * 40])
def test_a_number_of_nothing_is_answered(root, number):
    assert root.post("/catalog/-/undo", {"tombstone": number}).status_code == 302
    assert root.post("/catalog/-/dismiss", {"problem": number}).status_code == 302
    assert root.post("/catalog/-/refresh-location", {"id": number}).status_code == 302


@pytest.mark.parametrize(
    "path", ["/catalog/register", "/catalog/ingestion", "/catalog/ingestion/locations", "/catalog/ingestion/removed"]
)
def test_an_empty_portal_says_what_to_do_next(root, client, path):
    assert root.get(path).status_code == 200
    assert client.get(path).status_code == 302
