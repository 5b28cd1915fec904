from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callboard.core.auth import services, token_check, tokens
from callboard.core.auth.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    token_check.forget_tokens()
    yield
    token_check.forget_tokens()


@pytest.fixture
def ada():
    return services.create_user("ada", password="a long enough secret", email="ada@example.org")


def test_a_secret_is_recognisable_and_checks_itself():
    secret = tokens.new_secret()
    assert re.fullmatch(r"cbt_[0-9A-Za-z]{49}", secret)
    assert tokens.well_formed(secret)
    assert tokens.new_secret() != secret


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s[:-1],
        lambda s: s + "x",
        lambda s: s[:-1] + ("a" if s[-1] != "a" else "b"),
        lambda s: s[:10] + ("a" if s[10] != "a" else "b") + s[11:],
        lambda s: "xbt_" + s[4:],
        lambda s: s[:10] + "é" + s[11:],
        lambda s: "",
        lambda s: s.upper(),
    ],
)
def test_a_changed_secret_is_malformed(change):
    assert not tokens.well_formed(change(tokens.new_secret()))


def test_only_a_hash_of_the_secret_is_kept(ada):
    token, secret = services.create_token("ci", ["read"], 30, ada)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(t)::text FROM cb_auth_api_token t WHERE id = %s", [token.pk])
        assert secret not in cursor.fetchone()[0]
    assert secret.startswith(token.hint)


def test_a_token_acts_as_its_person_within_its_scopes(ada):
    _token, secret = services.create_token("ci", ["read"], 30, ada)
    who = token_check.authenticate_token(secret)
    assert (who.type, who.ref, who.scopes) == ("user", "user:default/ada", frozenset({"read"}))
    assert not who.administrator


def test_a_token_without_a_person_is_a_service():
    _token, secret = services.create_token("ci", ["admin"], None)
    who = token_check.authenticate_token(secret)
    assert (who.type, who.ref, who.administrator) == ("service", "service:ci", True)


def test_a_forged_token_costs_no_query():
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert token_check.authenticate_token("cbt_" + "a" * 49) is None
    assert len(queries) == 0


def test_a_well_formed_but_unknown_token_is_refused():
    with pytest.raises(token_check.TokenRefusedError, match="unknown"):
        token_check.caller_by_token(tokens.new_secret())


def test_an_expired_token_is_refused_even_if_it_was_just_used(ada):
    token, secret = services.create_token("ci", ["read"], 30, ada)
    assert token_check.authenticate_token(secret)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    token_check.forget_tokens()
    with pytest.raises(token_check.TokenRefusedError, match="expired"):
        token_check.caller_by_token(secret)


def test_a_kept_answer_ends_with_the_token(ada):
    token, secret = services.create_token("ci", ["read"], 30, ada)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() + timedelta(seconds=0.05))
    assert token_check.authenticate_token(secret)
    while timezone.now() < ApiToken.objects.get(pk=token.pk).expires_at:
        pass
    assert token_check.authenticate_token(secret) is None


def test_revoking_works_at_once_in_the_process_and_within_seconds_elsewhere(ada):
    token, secret = services.create_token("ci", ["read"], 30, ada)
    assert token_check.authenticate_token(secret)
    services.revoke_token(token)
    with pytest.raises(token_check.TokenRefusedError, match="revoked"):
        token_check.caller_by_token(secret)
    assert token_check.KEEP_SECONDS < 5


def test_a_token_in_use_asks_the_database_once(ada):
    _token, secret = services.create_token("ci", ["read"], 30, ada)
    token_check.authenticate_token(secret)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            assert token_check.authenticate_token(secret)
    assert len(queries) == 0


def test_the_last_use_is_written_at_most_once_a_minute(ada):
    token, secret = services.create_token("ci", ["read"], 30, ada)
    token_check.authenticate_token(secret)
    first = ApiToken.objects.get(pk=token.pk).last_used_at
    assert first is not None
    token_check.forget_tokens()
    token_check.authenticate_token(secret)
    assert ApiToken.objects.get(pk=token.pk).last_used_at == first
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=first - timedelta(seconds=61))
    token_check.forget_tokens()
    token_check.authenticate_token(secret)
    assert ApiToken.objects.get(pk=token.pk).last_used_at >= first


def test_a_token_of_a_switched_off_account_is_refused(ada):
    _token, secret = services.create_token("ci", ["read"], 30, ada)
    services.set_active(ada, active=False)
    with pytest.raises(token_check.TokenRefusedError, match="switched off"):
        token_check.caller_by_token(secret)


def test_rotating_stops_the_old_secret_and_keeps_the_lifetime(ada):
    token, old = services.create_token("ci", ["read"], 30, ada)
    ApiToken.objects.filter(pk=token.pk).update(created_at=timezone.now() - timedelta(days=20))
    token.refresh_from_db()
    token, new = services.rotate(token)
    assert token_check.authenticate_token(old) is None
    assert token_check.authenticate_token(new)
    assert token.expires_at > timezone.now() + timedelta(days=29)


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        ("", ["read"], 1, "name"),
        ("x" * 101, ["read"], 1, "name"),
        ("x", [], 1, "scopes"),
        ("x", ["read"], 0, "expires_days"),
    ],
)
def test_a_token_that_cannot_be_names_the_field(name, scopes, days, field):
    with pytest.raises(services.AccountError) as caught:
        services.create_token(name, scopes, days)
    assert caught.value.field == field
