"""The search API answers what clients of the original expect."""

import base64
from urllib.parse import parse_qsl

import pytest

from callboard.plugins.search.tests.playing import doc, indexed
from callboard.plugins.search.types import QueryError, read_query
from callboard.sdk.auth import create_token

pytestmark = pytest.mark.django_db


def read(text, **more):
    options = {"known": ("software-catalog", "techdocs"), "max_term": 100, "max_limit": 100} | more
    return read_query(parse_qsl(text, keep_blank_values=True), **options)


def test_a_query_string_is_read_as_its_clients_write_it():
    found = read(
        "term=a&types[]=techdocs&types[1]=software-catalog&filters[kind]=Component"
        "&filters[lifecycle][]=production&filters[lifecycle][1]=experimental&pageCursor=MQ==&pageLimit=10"
    )
    assert found.types == ("techdocs", "software-catalog")
    assert found.filters == {"kind": ("Component",), "lifecycle": ("production", "experimental")}
    assert (found.term, found.page, found.limit) == ("a", 1, 10)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("types[]=nonsense", "types.0"),
        ("term=" + "x" * 101, "term"),
        ("term=a&term=b", "term"),
        ("pageLimit=101", "pageLimit"),
        ("pageLimit=0", "pageLimit"),
        ("pageLimit=ten", "pageLimit"),
        ("pageCursor=%25%25", "pageCursor"),
        ("pageCursor=" + base64.b64encode(b"-1").decode(), "pageCursor"),
        ("pageCursor=" + base64.b64encode("²".encode()).decode(), "pageCursor"),
        ("filters=a", "filters"),
        ("filters[a][b]=c", "filters.a"),
        ("filters[a][b][c]=d", "filters.a"),
    ],
)
def test_a_query_that_cannot_be_used_names_the_parameter(text, says):
    with pytest.raises(QueryError, match=says):
        read(text)


def test_other_parameters_are_left_alone():
    assert read("utm_source=mail&term=a").term == "a"


@pytest.fixture
def ask(client):
    token = create_token("reader", ["read"], None)[1]
    return lambda text="": client.get(f"/api/search/query?{text}", headers={"Authorization": f"Bearer {token}"})


def test_results_carry_their_document_rank_and_highlight(ask):
    with indexed(doc("Box <office>", "Sells tickets & more", fields={"kind": "Component"}, ref="x")):
        answer = ask("term=tickets&types[]=shelf").json()
    (result,) = answer["results"]
    pre, post = result["highlight"]["preTag"], result["highlight"]["postTag"]
    assert result["type"] == "shelf"
    assert result["rank"] == 1
    assert result["document"] == {
        "kind": "Component",
        "title": "Box <office>",
        "text": "Sells tickets & more",
        "location": "/box-<office>",
    }
    assert result["highlight"]["fields"] == {
        "title": "Box &lt;office&gt;",
        "text": f"Sells {pre}tickets{post} &amp; more",
        "location": "/box-&lt;office&gt;",
        "path": "",
    }
    assert answer["numberOfResults"] == 1


def test_pages_are_walked_with_cursors(ask):
    with indexed(*(doc(f"Seat {n:02}") for n in range(5))):
        first = ask("term=seat&pageLimit=2&types[]=shelf").json()
        second = ask(f"term=seat&pageLimit=2&types[]=shelf&pageCursor={first['nextPageCursor']}").json()
        third = ask(f"term=seat&pageLimit=2&types[]=shelf&pageCursor={second['nextPageCursor']}").json()
    assert "previousPageCursor" not in first
    assert base64.b64decode(second["previousPageCursor"]) == b"0"
    assert [r["rank"] for r in second["results"]] == [3, 4]
    assert "nextPageCursor" not in third
    found = [r["document"]["title"] for page in (first, second, third) for r in page["results"]]
    assert sorted(found) == [f"Seat {n:02}" for n in range(5)]


def test_a_bad_query_is_answered_in_the_form_of_every_error(ask):
    answer = ask("types[]=nonsense")
    assert answer.status_code == 400
    assert answer.json()["error"]["name"] == "InputError"
    assert answer.json()["request"] == {"method": "GET", "url": "/api/search/query?types[]=nonsense"}
    assert answer.json()["response"] == {"statusCode": 400}


def test_strangers_are_turned_away(client):
    assert client.get("/api/search/query").status_code == 401


def test_our_own_endpoint_answers_facets_and_reasons(client):
    token = create_token("reader", ["read"], None)[1]
    body = {"text": "seat", "types": ["shelf"], "facets": True, "explain": True, "filters": {"kind": ["API"]}}
    documents = (doc("Seat map", fields={"kind": "API"}), doc("Seat", fields={"kind": "Component"}))
    with indexed(*documents, facets=("kind",)):
        answer = client.post(
            "/api/search/find", body, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        ).json()
    assert [hit["title"] for hit in answer["results"]] == ["Seat map"]
    assert answer["facets"]["kind"] == [{"value": "API", "count": 1}]
    assert {"words", "title", "text", "mine", "fresh", "quality"} <= answer["results"][0]["why"].keys()
    assert (answer["total"], answer["more"], answer["hasNext"]) == (1, False, False)
