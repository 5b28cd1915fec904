"""The search API answers field by field as clients of the original expect, on a running portal with the demo."""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.compat.portal import running_portal

pytestmark = pytest.mark.compat

CATALOG_FIELDS = {"title", "text", "location", "componentType", "type", "namespace", "kind", "lifecycle", "owner"}


@pytest.fixture(scope="module")
def portal():
    with running_portal("", "--demo") as running:
        token = running.command("token", "create", "reader", "--scope", "read").split()[-1]
        running.waits_for("/api/search/query?term=order", token, "order-service")
        yield running, token


def ask(portal, text, expected=200):
    running, token = portal
    request = urllib.request.Request(
        f"{running.url}/api/search/query?{text}", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        assert answer.status == expected
        assert answer.headers["Content-Type"].startswith("application/json")
        return json.load(answer)


def test_every_field_of_every_answer_is_known(portal):
    for term in ("order", "seat", "payments team", "", "Zeynep"):
        page, seen = 0, 0
        cursor = ""
        while True:
            answer = ask(portal, urllib.parse.urlencode({"term": term, "pageLimit": 20}) + cursor)
            assert answer.keys() <= {"results", "nextPageCursor", "previousPageCursor", "numberOfResults"}
            assert ("previousPageCursor" in answer) == (page > 0)
            for result in answer["results"]:
                seen += 1
                assert result["rank"] == seen
                assert result.keys() == (
                    {"type", "document", "rank", "highlight"} if term else {"type", "document", "rank"}
                )
                document = result["document"]
                assert "authorization" not in document
                assert all(isinstance(document[name], str) for name in ("title", "text", "location"))
                assert document["location"].startswith("/")
                if result["type"] == "software-catalog":
                    # An empty lifecycle or owner is left out, as where an entity has none.
                    assert CATALOG_FIELDS - {"lifecycle", "owner"} <= document.keys()
                    kind = document["kind"].lower()
                    name = document["ref"].partition("/")[2]
                    assert document["location"] == f"/catalog/{document['namespace']}/{kind}/{name}"
                if term:
                    highlight = result["highlight"]
                    assert highlight.keys() == {"preTag", "postTag", "fields"}
                    assert highlight["fields"].keys() == {"title", "text", "location", "path"}
            if "nextPageCursor" not in answer or page == 3:
                break
            assert base64.b64decode(answer["nextPageCursor"]) == str(page + 1).encode()
            cursor = f"&pageCursor={answer['nextPageCursor']}"
            page += 1
        assert seen


def test_types_and_filters_narrow_down(portal):
    found = ask(portal, "term=order&types[]=software-catalog&filters[kind]=Component")["results"]
    assert found
    assert {(r["type"], r["document"]["kind"]) for r in found} == {("software-catalog", "Component")}
    several = ask(portal, "types%5B0%5D=software-catalog&filters%5Bkind%5D%5B%5D=System&filters%5Bkind%5D%5B%5D=Domain")
    assert {r["document"]["kind"] for r in several["results"]} == {"System", "Domain"}
    assert ask(portal, "term=order&filters[kind]=Nonsense")["results"] == []


@pytest.mark.parametrize(
    "text", ["types[]=nonsense", "term=" + "x" * 101, "pageLimit=101", "pageLimit=-1", "pageCursor=!", "filters=x"]
)
def test_bad_queries_are_answered_400_in_the_known_form(portal, text):
    answer = ask(portal, text, 400)
    assert answer.keys() == {"error", "request", "response"}
    assert answer["error"]["name"] == "InputError"
    assert answer["error"]["message"]
    assert answer["request"] == {"method": "GET", "url": f"/api/search/query?{text}"}
    assert answer["response"] == {"statusCode": 400}


def test_a_change_is_searchable_within_two_seconds(portal):
    running, _ = portal
    file = running.place / "fresh.yaml"
    file.write_text(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: zauberlehrling, description: sweeps}\n"
        "spec: {type: service, lifecycle: production, owner: front-row}\n"
    )
    running.command("catalog", "import", str(file))
    end = time.monotonic() + 2
    while not ask(portal, "term=zauberlehrling&types[]=software-catalog")["results"]:
        assert time.monotonic() < end, "not found within two seconds"
        time.sleep(0.05)
