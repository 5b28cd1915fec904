"""The search page, the palette, and what is counted."""

import pytest

from callboard.plugins.search.models import Asked, Chosen, Kept
from callboard.plugins.search.services import counting
from callboard.plugins.search.tests.playing import doc, indexed
from callboard.sdk.auth import create_user
from callboard.sdk.search import SearchRequest, search

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client):
    client.force_login(create_user("ann", email="ann@example.com", administrator=True))
    return client


@pytest.fixture
def shelf():
    with indexed(
        doc(
            "Box <office>",
            "Sells tickets",
            fields={"kind": "Component", "tag": ["go", "rest"]},
            owner="group:default/a",
        ),
        doc("Ticket printer", "Prints them", fields={"kind": "API"}),
        title="Shelf",
        facets=("kind", "tag"),
    ):
        yield


def text_of(answer):
    return answer.content.decode()


def test_the_page_shows_escaped_and_marked_results_with_facets(browser, shelf):
    page = text_of(browser.get("/search?q=tickets"))
    assert "Box &lt;office&gt;" in page
    assert "Sells <mark>tickets</mark>" in page
    assert 'name="filters[kind]" value="Component"' in page
    narrowed = text_of(browser.get("/search?q=tickets&filters[kind]=API"))
    assert "Ticket</mark> printer" in narrowed
    assert "office" not in narrowed.split("sea-results")[1].split("</ol>")[0]


def test_nothing_found_shows_ways_on(browser, shelf):
    page = text_of(browser.get("/search?q=printer&filters[kind]=Component"))
    assert "Nothing was found" in page
    assert "Drop kind: Component" in page
    assert "Search for “printer”" in page


def test_searches_are_counted_also_those_in_vain_and_nobody_is_named(browser, shelf):
    browser.get("/search?q=Tickets!")
    browser.get("/search?q=zzzzzz")
    browser.get("/search?q=zzzzzz")
    browser.get("/search?q=tickets&page=2")
    assert {(a.text, a.searches, a.empty) for a in Asked.objects.all()} == {("tickets", 1, 0), ("zzzzzz", 2, 2)}
    insights = text_of(browser.get("/search/insights"))
    assert "zzzzzz" in insights


def test_a_choice_is_counted_and_brings_the_document_forward(browser):
    with indexed(doc("Ticket a"), doc("Ticket b", owner="group:default/b")):
        first, second = search_all("ticket")
        assert [first.title, second.title] == ["Ticket a", "Ticket b"]
        for _ in range(20):
            assert browser.post("/search/-/choice", {"id": second.id, "q": "ticket"}).status_code == 204
        assert Chosen.objects.get().clicks == 20
        assert counting.use_clicks_for_ranking() == 1
        assert [hit.title for hit in search_all("ticket")] == ["Ticket b", "Ticket a"]


def search_all(text):
    from callboard.sdk.auth import SYSTEM, act_as

    with act_as(SYSTEM, "system"):
        return search(SearchRequest(text, types=("shelf",), mode="keyword")).hits


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "0", "²"])
def test_a_choice_of_nothing_is_no_error(browser, value):
    assert browser.post("/search/-/choice", {"id": value, "q": "a\x00b"}).status_code == 204
    assert not Chosen.objects.exists()


def test_a_person_keeps_searches(browser, shelf):
    browser.get("/search?q=tickets&filters[kind]=API")
    assert "Your last searches" in text_of(browser.get("/search"))
    browser.post("/search/-/keep", {"query": "q=tickets&filters[kind]=API", "saved": "1"})
    browser.post("/search/-/keep", {"forget": "1"})
    page = text_of(browser.get("/search"))
    assert "Saved searches" in page
    assert "Your last searches" not in page
    assert [k.query for k in Kept.objects.all()] == ["q=tickets&filters%5Bkind%5D=API"]


def test_the_palette_groups_results_and_leads_to_the_page(browser, shelf):
    page = text_of(browser.get("/palette?q=ticket"))
    assert 'aria-label="Shelf"' in page
    assert "data-note" in page
    assert "/search?q=ticket" in page


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q='%22(&type=%00",
        "page=9999999",
        "page=-1",
        "filters[]=x",
        "filters[a]=%00",
        "type=nope",
        "q=a&explain=1",
    ],
)
def test_no_address_is_an_error(browser, shelf, query):
    assert browser.get(f"/search?{query}").status_code == 200


def test_links_made_for_the_original_work(browser, shelf):
    assert "Ticket <mark>printer</mark>" in text_of(browser.get("/search?query=printer&types[]=shelf&pageCursor="))
