"""Users and groups that an identity provider pushes: the protocol, and what becomes of people."""

import json

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from callboard.plugins.signin.models import ScimResource
from callboard.plugins.signin.services import scim
from callboard.sdk import auth
from callboard.sdk.auth import User

pytestmark = pytest.mark.django_db
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def bearer():
    account = auth.create_service_account("okta-scim")
    _row, secret = auth.create_token("scim", ["admin.scim.manage"], 30, account)
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def push(client, bearer):
    def send(method, path, body=None, status=None):
        answer = client.generic(
            method,
            f"/api/scim/v2{path}",
            body and json.dumps(body),
            "application/scim+json",
            headers=bearer,
        )
        assert status is None or answer.status_code == status, answer.content
        return answer.json() if answer.content else {}

    return send


def person(name, **more):
    return {
        "schemas": [USER], "userName": f"{name}@example.com", "externalId": f"ext-{name}", "active": True,
        "name": {"givenName": name.title(), "familyName": "Example"},
        "emails": [{"value": f"{name}@example.com", "primary": True}], **more,
    }  # fmt: skip


@pytest.fixture
def in_process():
    """Call the portal in this thread, within the transaction of the test."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in signals:
        signal.connect(close_old_connections)


def test_the_server_passes_the_tester(bearer, in_process):
    client = WSGISCIMClient(
        in_process,
        base_url="http://127.0.0.1/api/scim/v2",
        environ={"HTTP_AUTHORIZATION": bearer["Authorization"]},
    )
    results = check_server(client)
    bad = [
        f"{r.title}: {r.reason}" for r in results if r.status not in {Status.SUCCESS, Status.SKIPPED, Status.ACCEPTABLE}
    ]
    assert bad == [], "\n".join(bad)
    assert sum(r.status == Status.SUCCESS for r in results) > 50


def test_a_pushed_person_is_an_account_that_nobody_can_guess_a_password_of(push):
    made = push("POST", "/Users", person("ada"), 201)
    user = User.objects.get(username="ada")
    assert (user.email, user.get_full_name(), user.entity_ref) == ("ada@example.com", "Ada Example", "user:default/ada")
    assert not user.has_usable_password()
    assert made["meta"]["location"].endswith(made["id"])
    assert push("GET", '/Users?filter=userName eq "ADA@example.com"')["totalResults"] == 1
    assert push("GET", '/Users?filter=name.familyName eq "Example" and active eq true')["totalResults"] == 1
    push("POST", "/Users", person("ada"), 409)


def test_switching_a_person_off_ends_sessions_and_tokens_at_once(push, client, django_user_model):
    from django.test import Client

    made = push("POST", "/Users", person("ada"), 201)
    user = User.objects.get(username="ada")
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    _row, secret = auth.create_token("hers", ["read"], 30, user)
    assert browser.get("/settings").status_code == 200
    push(
        "PATCH",
        f"/Users/{made['id']}",
        {"schemas": [PATCH], "Operations": [{"op": "Replace", "value": {"active": False}}]},
        200,
    )
    assert browser.get("/settings").status_code == 302
    assert auth.authenticate_token(secret) is None
    push(
        "PATCH",
        f"/Users/{made['id']}",
        {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": True}]},
        200,
    )
    assert User.objects.get(pk=user.pk).is_active
    assert browser.get("/settings").status_code == 302, "what was ended stays ended"


def test_removing_a_person_switches_the_account_off_and_keeps_it_for_the_record(push):
    made = push("POST", "/Users", person("ada"), 201)
    push("DELETE", f"/Users/{made['id']}", status=204)
    push("GET", f"/Users/{made['id']}", status=404)
    assert not User.objects.get(username="ada").is_active


def test_groups_are_known_of_the_person_and_become_entities(push):
    ada = push("POST", "/Users", person("ada"), 201)["id"]
    group = push(
        "POST", "/Groups", {"schemas": [GROUP], "displayName": "Platform Team", "members": [{"value": ada}]}, 201
    )
    assert User.objects.get(username="ada").idp_groups == ["scim:Platform Team"]
    assert push("GET", f"/Users/{ada}")["groups"][0]["display"] == "Platform Team"
    entities = {f"{e['kind']}:{e['metadata']['name']}": e for m in scim.changes() for e in m.entities}
    assert entities["User:ada"]["spec"] == {
        "profile": {"displayName": "Ada Example", "email": "ada@example.com"},
        "memberOf": ["platform-team"],
    }
    assert entities["Group:platform-team"]["spec"]["type"] == "team"
    path = f'members[value eq "{ada}"]'
    push("PATCH", f"/Groups/{group['id']}", {"schemas": [PATCH], "Operations": [{"op": "remove", "path": path}]}, 200)
    assert User.objects.get(username="ada").idp_groups == []


def test_an_administrator_s_account_is_not_taken_over_by_a_push(push):
    root = auth.create_user(
        "root", password="correct horse battery", administrator=True, entity_ref="user:default/root"
    )
    made = push("POST", "/Users", person("root", active=False), 201)
    assert User.objects.get(pk=root.pk).is_active
    assert ScimResource.objects.get(pk=made["id"]).user_id != root.pk


def test_nobody_pushes_without_the_right_token(client, push):
    assert client.get("/api/scim/v2/Users").status_code == 401
    person_ = auth.create_user("eve", password="correct horse battery")
    _row, secret = auth.create_token("x", ["read", "write"], 1, person_)
    answer = client.post(
        "/api/scim/v2/Users", person("mallory"), "application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 403
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert not User.objects.filter(username="mallory").exists()


def test_a_push_cannot_make_anybody_an_administrator(push):
    push("POST", "/Users", person("ada", is_superuser=True, roles=[{"value": "admin"}]))
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"schemas": []}', json.dumps({"schemas": [USER]}), json.dumps({"schemas": [USER], "userName": 7})],
)
def test_a_push_that_makes_no_sense_is_refused_in_the_protocol_s_own_words(client, bearer, body):
    answer = client.generic("POST", "/api/scim/v2/Users", body, "application/scim+json", headers=bearer)
    assert answer.status_code == 400, answer.content
    assert answer.json()["status"] == "400"
