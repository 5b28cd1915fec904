from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from callboard.plugins.portal.tests.conftest import PASSWORD
from callboard.sdk.audit import AuditEntry
from callboard.sdk.auth import User, create_password_link, create_setup_link, set_active
from callboard.sdk.config import portal_config

pytestmark = pytest.mark.django_db


def sign_in(client, login="ada", password=PASSWORD, **more):
    return client.post("/sign-in", {"login": login, "password": password, **more})


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org", "Ada@Example.org"])
def test_a_person_signs_in_by_name_or_address(client, ada, login):
    response = sign_in(client, login, next="/settings")
    assert (response.status_code, response["Location"]) == (302, "/settings")
    assert client.get("/settings").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "http://testserver@evil.example/",
        "\x00//evil.example",
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(client, ada, target):
    assert sign_in(client, next=target)["Location"] == "/"
    assert b"evil.example" not in Client().get("/sign-in", {"next": target}).content


def test_a_wrong_password_and_an_unknown_name_are_told_alike(client, ada):
    def said(response):
        assert response.status_code == 200
        text = re.sub(r'value="[^"]*"|content="[^"]*"', "", response.content.decode())
        assert "The username or password is not right." in text
        return text

    assert said(sign_in(client, "ada", "wrong")) == said(sign_in(client, "nobody", "wrong"))


def test_sign_in_needs_a_token_of_the_page(ada):
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict).status_code == 403
    strict.get("/sign-in")
    assert sign_in(strict, csrfmiddlewaretoken=strict.cookies["callboard_csrf"].value).status_code == 302


def test_the_session_gets_a_new_key_on_signing_in(client, ada, demo):
    client.post("/sign-in/guest")
    planted = client.cookies["callboard_session"].value
    sign_in(client)
    assert client.cookies["callboard_session"].value != planted
    assert not Session.objects.filter(pk=planted).exists()


def test_signing_out_ends_the_session_and_asks_first(signed_in):
    key = signed_in.cookies["callboard_session"].value
    assert signed_in.get("/sign-out").status_code == 200
    assert Session.objects.filter(pk=key).exists()
    assert signed_in.post("/sign-out").status_code == 302
    assert not Session.objects.filter(pk=key).exists()


def test_too_many_attempts_are_refused_even_with_the_right_password(client, ada):
    limit = portal_config().auth.sign_in_attempts_per_minute
    for _ in range(limit):
        sign_in(client, "someone", "wrong")
    response = sign_in(client)
    assert response.status_code == 200
    assert b"Too many attempts" in response.content


def test_attempts_from_many_addresses_are_counted_for_the_account(client, ada):
    limit = portal_config().auth.sign_in_attempts_per_minute
    for number in range(3 * limit):
        client.post("/sign-in", {"login": "ada", "password": "x"}, REMOTE_ADDR=f"198.51.100.{number}")
    response = client.post("/sign-in", {"login": "ADA", "password": PASSWORD}, REMOTE_ADDR="203.0.113.1")
    assert b"Too many attempts" in response.content


def test_coming_failing_and_going_are_audited(client, ada):
    sign_in(client, "ada", "wrong")
    sign_in(client, PASSWORD, "typed into the wrong field")
    sign_in(client)
    client.post("/sign-out")
    seen = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "target", "outcome"))
    assert seen == [
        ("portal.session.start", "anonymous:", "account:ada", "failed"),
        ("portal.session.start", "anonymous:", "account:unknown", "failed"),
        ("portal.session.start", "user:default/ada", "account:ada", "succeeded"),
        ("portal.session.end", "user:default/ada", "account:ada", "succeeded"),
    ]
    assert not AuditEntry.objects.filter(details__icontains=PASSWORD).exists()


def test_a_switched_off_account_is_out_at_once(signed_in, ada):
    set_active(ada, active=False)
    assert signed_in.get("/settings").status_code == 302
    assert sign_in(signed_in)["Location"] == "/sign-in/inactive"


def test_nobody_is_led_to_the_sign_in_page_and_back(client):
    response = client.get("/admin/audit?door=ui")
    assert response["Location"].startswith("/sign-in?next=/admin/audit%3Fdoor")


# --- Guests ---------------------------------------------------------------------


def test_there_are_no_guests_outside_the_demo(client):
    assert b"as a guest" not in client.get("/sign-in").content
    assert client.post("/sign-in/guest").status_code == 403
    assert "callboard_session" not in client.cookies


def test_a_guest_reads_and_changes_nothing(client, demo):
    assert b"Look around as a guest" in client.get("/sign-in").content
    assert client.post("/sign-in/guest")["Location"] == "/"
    page = client.get("/settings")
    assert page.status_code == 403
    assert b"guests may look but not change anything" in page.content
    assert b"as a guest" in page.content
    body = {"items": [{"id": "1", "permission": {"name": "portal.settings.manage"}}]}
    answer = client.post("/api/permission/authorize", body, content_type="application/json")
    assert answer.json()["items"][0]["result"] == "DENY"


def test_guests_leave_with_the_demo(client, demo):
    client.post("/sign-in/guest")
    portal_config().demo = False
    assert client.get("/settings").status_code == 302


# --- Links that work once ---------------------------------------------------------


def test_the_first_administrator_is_made_with_the_link(client, db):
    secret = create_setup_link()
    assert b"Create the first administrator" in client.get("/setup", {"token": secret}).content
    form = {"token": secret, "username": "root", "password": PASSWORD, "password_again": PASSWORD}
    assert client.post("/setup", {**form, "password_again": "other"}).status_code == 422
    assert client.post("/setup", form)["Location"] == "/"
    assert User.objects.get().is_superuser
    assert client.get("/admin/users").status_code == 200
    assert Client().post("/setup", {**form, "username": "second"}).status_code == 404
    assert AuditEntry.objects.get(action="portal.setup.finish").actor == "user:default/root"


def test_without_the_link_nobody_becomes_administrator(client, db):
    create_setup_link()
    form = {"token": "guess", "username": "root", "password": PASSWORD, "password_again": PASSWORD}
    assert client.post("/setup", form).status_code == 404
    assert client.get("/setup").status_code == 404
    assert not User.objects.exists()


def test_a_password_link_sets_the_password_but_does_not_sign_in(client, ada):
    secret = create_password_link(ada)
    form = {"token": secret, "password": "another long secret", "password_again": "another long secret"}
    assert client.post("/setup", form)["Location"] == "/sign-in"
    assert client.get("/settings").status_code == 302
    assert sign_in(client, password="another long secret").status_code == 302
