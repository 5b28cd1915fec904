from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callboard.sdk.auth import ApiToken, revoke_token

pytestmark = pytest.mark.django_db
URL = "/api/permission/authorize"


def ask(client, *items, **headers):
    body = {"items": [{"id": str(n), **item} for n, item in enumerate(items)]}
    return client.post(URL, body, content_type="application/json", **headers)


def may(name, **more):
    return {"permission": {"type": "basic", "name": name, "attributes": {}}, **more}


def refused(response, status, name):
    body = response.json()
    assert response.status_code == body["response"]["statusCode"] == status
    assert body["error"]["name"] == name
    assert body["request"] == {"method": "POST", "url": URL}
    return body["error"]["message"]


def test_without_credentials_there_is_no_answer(client):
    assert "API token" in refused(ask(client, may("x")), 401, "AuthenticationError")


def test_a_token_gets_an_answer_within_its_scopes(client, bearer):
    _token, headers = bearer(["read"])
    answer = ask(client, may("portal.settings.manage"), may("admin.audit.read"), **headers)
    assert [item["result"] for item in answer.json()["items"]] == ["DENY", "DENY"]
    assert "scopes" in answer.json()["items"][0]["reason"]
    _token, headers = bearer(["admin"])
    assert ask(client, may("admin.audit.read"), **headers).json()["items"][0]["result"] == "ALLOW"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Bearer", "malformed"),
        ("Bearer ", "malformed"),
        ("bearer cbt_", "malformed"),
        ("Bearer cbt_" + "a" * 49, "malformed"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "not valid"),
    ],
)
def test_a_malformed_token_is_refused_even_beside_a_session(signed_in, header, said):
    assert said in refused(ask(signed_in, may("x"), HTTP_AUTHORIZATION=header), 401, "AuthenticationError")


def test_a_revoked_and_an_expired_token_are_refused_even_beside_a_session(signed_in, bearer):
    token, headers = bearer(["read"])
    revoke_token(token)
    assert "revoked" in refused(ask(signed_in, may("x"), **headers), 401, "AuthenticationError")
    token, headers = bearer(["read"])
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(1))
    response = ask(signed_in, may("x"), **headers)
    assert "expired" in refused(response, 401, "AuthenticationError")
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["X-Request-ID"]


def test_a_token_does_not_open_pages(client, ada, bearer):
    _token, headers = bearer(["read", "write"], ada)
    assert client.get("/settings", **headers).status_code == 302


def test_a_session_needs_a_csrf_token_on_the_api_and_a_bearer_token_does_not(ada, bearer):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert "CSRF" in refused(ask(strict, may("x")), 403, "NotAllowedError")
    strict.get("/settings")
    proof = {"HTTP_X_CSRFTOKEN": strict.cookies["callboard_csrf"].value}
    assert ask(strict, may("x"), **proof).status_code == 200
    foreign = ask(strict, may("x"), **proof, HTTP_ORIGIN="https://evil.example")
    refused(foreign, 403, "NotAllowedError")
    _token, headers = bearer(["read"], ada)
    assert ask(Client(enforce_csrf_checks=True), may("x"), **headers).status_code == 200


def test_a_token_in_use_reads_neither_session_nor_account(signed_in, bearer):
    _token, headers = bearer(["read"])
    ask(signed_in, may("no.such"), **headers)
    with CaptureQueriesContext(connection) as queries:
        ask(signed_in, may("no.such"), **headers)
    said = " ".join(query["sql"] for query in queries)
    assert "django_session" not in said
    assert "cb_auth" not in said


def test_many_resources_are_answered_in_order(signed_in):
    answer = ask(signed_in, may("portal.settings.manage", resourceRef=["a:b/c", "d:e/f"]), may("no.such"))
    assert [item["result"] for item in answer.json()["items"]] == [["ALLOW", "ALLOW"], "DENY"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '{"items": 3}',
        '{"items": [{"id": "1"}]}',
        '{"items": [{"id": "1", "permission": {"name": "x"}, "resourceRef": []}]}',
        '{"items": [{"id": "1", "permission": {"name": "x"}, "resourceRef": ""}]}',
        '{"items": [{"id": "1", "permission": {"name": ""}}]}',
    ],
)
def test_a_malformed_question_is_an_input_error(signed_in, body):
    response = signed_in.post(URL, body, content_type="application/json")
    refused(response, 400, "InputError")


def test_a_harmful_request_id_is_replaced(client):
    assert client.get("/sign-in", HTTP_X_REQUEST_ID="abc-1")["X-Request-ID"] == "abc-1"
    assert client.get("/sign-in", HTTP_X_REQUEST_ID="a b<script>")["X-Request-ID"] != "a b<script>"
