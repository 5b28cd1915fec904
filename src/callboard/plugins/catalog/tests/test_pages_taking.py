"""Take the table away, keep views of it, act on what is picked."""

import csv
import io
import json

import pytest
from openpyxl import load_workbook

from callboard.lib.yaml12 import read_documents
from callboard.plugins.catalog.models import SavedView, Source, Star
from callboard.plugins.catalog.selectors import exporting
from callboard.plugins.catalog.tests.engine import component, docs, register, write
from callboard.plugins.catalog.tests.pages import Browser, company, names_of, text_of

pytestmark = pytest.mark.django_db

EXPORT = "/catalog/-/export"
SAVE = "/catalog/-/views"


@pytest.fixture
def ann(tmp_path):
    company(tmp_path)
    return Browser()


def content(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def cells(ann, query):
    return list(csv.DictReader(io.StringIO(content(ann.get(f"{EXPORT}?{query}")).decode("utf-8-sig"))))


def test_a_file_holds_exactly_what_is_filtered_in_the_order_of_the_table(ann):
    query = "kind=component&filters[tag]=python&sort=-name"
    rows = cells(ann, query)
    assert [row["ref"] for row in rows] == ["component:default/peel", "component:default/basket"]
    assert names_of(ann.get(f"/catalog?{query}")) == ["peel", "Basket"]
    assert rows[1]["owner"] == "group:default/apples"
    assert rows[1]["tags"] == "python, core"


def test_every_page_of_the_table_is_in_the_file(ann, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "BATCH", 7)
    register(write(tmp_path / "many.yaml", docs(*(component(f"c{n:03}") for n in range(40)))))
    names = [row["name"] for row in cells(ann, "kind=component&text=c0")]
    assert names == [f"c{n:03}" for n in range(40)]


def test_json_holds_the_entities_and_yaml_what_can_be_registered_again(ann):
    entities = json.loads(content(ann.get(f"{EXPORT}?kind=component&format=json")))
    assert {e["metadata"]["name"] for e in entities} == {"basket", "till", "peel"}
    assert entities[0]["relations"]
    documents = [d.value for d in read_documents(content(ann.get(f"{EXPORT}?kind=component&format=yaml")), "x")]
    assert len(documents) == 3
    assert "relations" not in documents[0]
    assert "uid" not in documents[0]["metadata"]
    assert json.loads(content(ann.get(f"{EXPORT}?kind=nothing&format=json"))) == []


def test_a_spreadsheet_opens_and_holds_no_formula(ann, tmp_path):
    register(write(tmp_path / "evil.yaml", component("evil").replace("name: evil", 'name: evil\n  title: "=1+1"')))
    sheet = load_workbook(io.BytesIO(content(ann.get(f"{EXPORT}?text=evil&format=xlsx")))).active
    head, row = (list(line) for line in sheet.iter_rows())
    place = [cell.value for cell in head].index("title")
    assert row[place].value == "=1+1"
    assert row[place].data_type == "s"
    assert cells(ann, "text=evil")[0]["title"] == "'=1+1"


def test_picked_entities_are_exported_alone_and_only_if_they_may_be_seen(ann):
    rows = cells(ann, "ref=component:default/till&ref=user:default/ann&ref=component:default/none&format=csv")
    assert {row["ref"] for row in rows} == {"component:default/till", "user:default/ann"}


def test_a_format_that_is_none_is_not_found(ann):
    assert ann.get(f"{EXPORT}?format=exe").status_code == 404


def test_chosen_columns_are_shown_and_stand_in_the_address(ann):
    page = text_of(ann.get("/catalog?columns=ref,changed"))
    assert "component:default/basket" in page
    assert "The Apples" not in page.partition("Reference")[2].partition("Rows")[2].partition("Actions")[2]
    assert names_of(ann.get("/catalog?columns=name")) == ["Basket", "peel", "till"]
    assert names_of(ann.get("/catalog?columns=nonsense&density=x")) == ["Basket", "peel", "till"]


def test_a_view_is_saved_found_again_and_removed(ann):
    answer = ann.post(SAVE, {"name": " My  libraries ", "address": "?kind=component&filters[type]=library"})
    view = SavedView.objects.get()
    assert (view.name, view.kind, view.audience) == ("My libraries", "component", "")
    assert names_of(ann.get(answer["Location"])) == ["peel"]
    assert "My libraries" in text_of(ann.get("/catalog"))
    assert "My libraries" not in text_of(Browser("bob").get("/catalog"))
    ann.post(f"{SAVE}/{view.pk}/remove")
    assert not SavedView.objects.exists()


def test_saving_under_the_same_name_replaces(ann):
    ann.post(SAVE, {"name": "one", "address": "?kind=component"})
    ann.post(SAVE, {"name": "one", "address": "?kind=api"})
    assert SavedView.objects.get().kind == "api"


def test_a_view_for_a_group_is_seen_by_its_members_alone(ann):
    ann.post(SAVE, {"name": "ours", "address": "?kind=api", "audience": "group:default/apples"})
    assert "ours" in text_of(ann.get("/catalog"))
    assert "ours" not in text_of(Browser("stranger").get("/catalog"))


def test_nobody_speaks_for_a_group_that_is_not_theirs_or_for_everybody(ann):
    stranger = Browser("stranger")
    for audience in ("group:default/apples", "*"):
        assert stranger.post(SAVE, {"name": "x", "address": "?kind=api", "audience": audience}).status_code == 403
    assert not SavedView.objects.exists()


def test_an_administrator_saves_for_everybody_and_removes_what_others_saved(ann):
    chief = Browser("chief", administrator=True)
    chief.post(SAVE, {"name": "all", "address": "?kind=api", "audience": "*"})
    assert "all" in text_of(Browser("bob").get("/catalog"))
    ann.post(SAVE, {"name": "ours", "address": "?kind=api", "audience": "group:default/apples"})
    ours = SavedView.objects.get(name="ours")
    Browser("other").post(f"{SAVE}/{ours.pk}/remove")
    assert SavedView.objects.filter(pk=ours.pk).exists()


def test_the_table_of_a_kind_opens_with_its_default_view(ann):
    ann.post(SAVE, {"name": "first", "address": "?kind=component&filters[type]=library", "default": "on"})
    answer = ann.get("/catalog?kind=component")
    assert answer.status_code == 302
    assert names_of(ann.get(answer["Location"])) == ["peel"]
    assert names_of(ann.get("/catalog?kind=component&view=none")) == ["Basket", "peel", "till"]
    assert ann.get("/catalog?kind=api").status_code == 200


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_view_needs_a_name(ann, name):
    assert ann.post(SAVE, {"name": name, "address": "?kind=api"})["Location"] == "/catalog?kind=api"
    assert not SavedView.objects.exists()


def test_an_address_that_is_none_becomes_the_plain_table(ann):
    ann.post(SAVE, {"name": "odd", "address": "javascript:alert(1)//\0"})
    assert SavedView.objects.get().address == "?kind=component"


def test_picked_entities_are_starred_and_refreshed_together(ann):
    refs = ["component:default/till", "component:default/basket", "component:default/none"]
    ann.post("/catalog/-/many", {"ref": refs, "do": "star"})
    ann.post("/catalog/-/many", {"ref": refs, "do": "star"})
    assert set(Star.objects.values_list("entity_ref", flat=True)) == set(refs[:2])
    Source.objects.update(due_at=None)
    ann.post("/catalog/-/many", {"ref": refs, "do": "refresh"})
    assert Source.objects.filter(due_at__isnull=False, type="file").exists()
    assert ann.post("/catalog/-/many", {"do": "refresh"}).status_code == 302
