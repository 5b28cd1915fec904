"""Sessions are listed with device and place, and ended one by one; service accounts act through tokens alone."""

import pytest
from django.test import Client

from callboard.core.auth import services, sessions
from callboard.core.auth.models import User, UserSession
from callboard.core.auth.token_check import caller_by_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    sessions.forget_seen()
    return services.create_user("ada", password="correct horse battery")


def browser(user, agent):
    client = Client(headers={"User-Agent": agent})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/settings")
    return client


def test_every_session_is_listed_with_its_device_and_address(person):
    browser(person, "Firefox on Linux")
    browser(person, "Safari on a phone")
    assert {(s.user_agent, s.address) for s in sessions.sessions_of(person)} == {
        ("Firefox on Linux", "127.0.0.1"),
        ("Safari on a phone", "127.0.0.1"),
    }


def test_ending_one_session_leaves_the_others(person):
    one, other = browser(person, "one"), browser(person, "other")
    ended = UserSession.objects.get(user_agent="one")
    assert sessions.end_session(person, ended.public_id)
    assert one.get("/settings").status_code == 302
    assert other.get("/settings").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(person):
    browser(person, "hers")
    stranger = services.create_user("mallory", password="correct horse battery")
    theirs = UserSession.objects.get(user_agent="hers")
    assert sessions.end_session(stranger, theirs.public_id) is None
    assert UserSession.objects.filter(pk=theirs.pk).exists()


def test_a_session_in_use_costs_no_query_more(person, django_assert_num_queries):
    client = browser(person, "one")
    client.get("/settings")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as seen:
        client.get("/settings")
    assert not [q for q in seen.captured_queries if "cb_auth_session" in q["sql"]]


def test_a_service_account_acts_as_a_service_with_the_scopes_of_its_token():
    account = services.create_service_account("deploy-bot", title="Deploy bot", owner_ref="group:default/platform")
    _token, secret = services.create_token("ci", ["read"], 30, account)
    who = caller_by_token(secret)
    assert (who.type, who.ref, who.administrator, who.scopes) == (
        "service",
        "service:deploy-bot",
        False,
        frozenset({"read"}),
    )
    services.set_active(User.objects.get(pk=account.pk), False)
    from callboard.core.auth.token_check import TokenRefusedError

    with pytest.raises(TokenRefusedError, match="switched off"):
        caller_by_token(secret)


@pytest.mark.parametrize("name", ["", "With Space", "-x", "x" * 61, "user:default/ada"])
def test_the_name_of_a_service_account_is_checked(name):
    with pytest.raises(services.AccountError):
        services.create_service_account(name)
