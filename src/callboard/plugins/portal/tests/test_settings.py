from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from callboard.plugins.portal.tests.conftest import PASSWORD
from callboard.sdk.audit import AuditEntry
from callboard.sdk.auth import ApiToken, create_token

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"cbt_[0-9A-Za-z]{49}")


def make_token(client, **more):
    return client.post("/settings/tokens", {"name": "ci", "scopes": ["read"], "expires_days": "30", **more})


def test_a_new_token_is_shown_once_and_works(signed_in, ada):
    page = make_token(signed_in)
    secret = SECRET.search(page.content.decode()).group()
    assert "no-store" in page["Cache-Control"]
    assert not SECRET.search(signed_in.get("/settings/tokens").content.decode())
    body = {"items": [{"id": "1", "permission": {"name": "portal.settings.manage"}}]}
    answer = Client().post("/api/permission/authorize", body, "application/json", HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert answer.json()["items"][0]["result"] == "DENY"
    entry = AuditEntry.objects.get(action="portal.token.create")
    assert (entry.actor, entry.details["scopes"]) == ("user:default/ada", ["read"])
    assert secret not in str(entry.details)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": ["admin"]},
        {"scopes": ["admin.audit.read"]},
        {"expires_days": "0"},
        {"expires_days": "99999"},
        {"expires_days": "x"},
        {"expires_days": "٣"},
    ],
)
def test_a_token_that_cannot_be_is_refused_beside_its_field(signed_in, wrong):
    page = make_token(signed_in, **wrong)
    assert page.status_code == 422
    assert b"invalid-feedback" in page.content
    assert not ApiToken.objects.exists()


def test_an_administrator_may_make_a_token_for_administration(administering):
    assert SECRET.search(make_token(administering, scopes=["admin"]).content.decode())


def test_nobody_revokes_the_token_of_another(signed_in, root):
    other, _secret = create_token("other", ["read"], 30, root)
    assert signed_in.post(f"/settings/tokens/{other.pk}/revoke").status_code == 403
    assert signed_in.post("/settings/tokens/nonsense/revoke").status_code == 302
    other.refresh_from_db()
    assert other.revoked_at is None


def test_one_revokes_ones_own_token(signed_in, ada):
    own, _secret = create_token("own", ["read"], 30, ada)
    assert signed_in.post(f"/settings/tokens/{own.pk}/revoke").status_code == 302
    own.refresh_from_db()
    assert own.revoked_at is not None


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(signed_in, ada):
    elsewhere = Client()
    elsewhere.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    form = {
        "old_password": "wrong",
        "password": "another long secret",
        "password_again": "another long secret",
    }
    assert signed_in.post("/settings/account", form).status_code == 422
    assert signed_in.post("/settings/account", {**form, "old_password": PASSWORD}).status_code == 302
    assert signed_in.get("/settings").status_code == 200
    assert elsewhere.get("/settings").status_code == 302


def test_guessing_the_old_password_is_limited(signed_in, ada):
    form = {
        "old_password": "wrong",
        "password": "another long secret",
        "password_again": "another long secret",
    }
    for _ in range(10):
        signed_in.post("/settings/account", form)
    assert b"Too many attempts" in signed_in.post("/settings/account", {**form, "old_password": PASSWORD}).content


def test_signing_out_everywhere_else_keeps_this_session(signed_in, ada):
    elsewhere = Client()
    elsewhere.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    signed_in.post("/settings/account/sessions")
    assert signed_in.get("/settings").status_code == 200
    assert elsewhere.get("/settings").status_code == 302


def test_the_theme_is_saved_to_the_account(signed_in, ada):
    assert signed_in.post("/settings/appearance", {"theme": "dark"}).status_code == 302
    assert b'data-bs-theme="dark"' in signed_in.get("/settings/appearance").content
    assert signed_in.post("/settings/appearance", {"theme": "pink"}).status_code == 422
    ada.refresh_from_db()
    assert ada.theme == "dark"


def test_a_name_is_shown_as_text(signed_in, ada):
    signed_in.post("/settings", {"name": "<script>alert(1)</script>"})
    page = signed_in.get("/settings").content
    assert b"<script>alert(1)" not in page
    assert b"&lt;script&gt;" in page


def test_a_second_factor_is_asked_for_and_its_secret_is_encrypted(client, ada):
    def sign_in():
        return client.post("/sign-in", {"login": "ada", "password": PASSWORD})

    def code_of(secret):
        return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))

    sign_in()
    client.post("/settings/confirm", {"password": PASSWORD})
    page = client.get("/settings/two-factor/on").content.decode()
    secret = re.search(r"<code[^>]*>([A-Z2-7]{16,})</code>", page).group(1)
    assert client.post("/settings/two-factor/on", {"code": "000000"}).status_code == 200
    assert client.post("/settings/two-factor/on", {"code": code_of(secret)})["Location"] == "/settings/recovery-codes"
    assert client.get("/settings/recovery-codes").status_code == 200
    assert secret not in str(Authenticator.objects.get(type="totp").data)
    client.post("/sign-out")
    assert sign_in()["Location"].startswith("/sign-in/code")
    assert client.get("/settings").status_code == 302
    recovery = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    for _ in range(3):
        assert client.post("/sign-in/code", {"code": "000000"}).status_code == 200
    assert client.post("/sign-in/code", {"code": recovery}).status_code == 302
    assert client.get("/settings").status_code == 200


def test_changing_the_second_factor_asks_who_it_is(signed_in):
    response = signed_in.get("/settings/two-factor/on")
    assert response["Location"].startswith("/settings/confirm?next=")
    assert signed_in.get(response["Location"]).status_code == 200
    assert signed_in.post(response["Location"], {"password": PASSWORD})["Location"] == "/settings/two-factor/on"
    assert signed_in.get("/settings/two-factor/on").status_code == 200
