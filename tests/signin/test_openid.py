"""Signing in through a certified OpenID provider: who gets in, who does not, and what each is told."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from callboard.core.audit.models import AuditEntry
from callboard.core.auth import services
from callboard.core.auth.models import User, UserSession
from callboard.core.auth.people import principal_of
from callboard.plugins.signin.models import Outcome
from tests.signin.parts import openid_provider

pytestmark = pytest.mark.django_db
START = "/api/auth/idp/start"


def path_of(address):
    target = urlsplit(address)
    return f"{target.path}?{target.query}"


def signs_in(browser, idp, person, start=START):
    """Walk away and back; answer what the portal says at the end."""
    away = browser.get(start)
    assert away.status_code == 302, away.content
    return browser.get(path_of(idp.signs_in(away["Location"], person)))


def test_a_person_of_the_catalog_comes_in_and_goes_where_they_wanted(client, idp, openid, people):
    answer = signs_in(client, idp, "ada", f"{START}?next=/catalog")
    assert (answer.status_code, answer["Location"]) == (302, "/catalog")
    user = User.objects.get(username="ada")
    assert user.entity_ref == "user:default/ada"
    assert user.get_full_name() == "Ada Lovelace"
    assert user.email == "ada@example.com"
    assert not user.has_usable_password()
    assert principal_of(user).idp_groups == ("idp:engines", "idp:poets")
    assert client.get("/settings").status_code == 200
    assert UserSession.objects.get(user=user).provider == "idp"
    assert AuditEntry.objects.filter(action="signin.account.create", target="account:ada").exists()


def test_the_second_time_it_is_the_same_account(idp, openid, people):
    signs_in(Client(), idp, "ada")
    signs_in(Client(), idp, "ada")
    assert User.objects.filter(username__startswith="ada").count() == 1


def test_somebody_the_catalog_does_not_know_is_refused_and_told_in_their_own_browser_alone(idp, openid, people):
    browser = Client()
    answer = signs_in(browser, idp, "eve")
    assert answer["Location"] == "/sign-in/refused"
    page = browser.get("/sign-in/refused")
    assert page.status_code == 403
    outcome = Outcome.objects.get()
    assert (outcome.reason, outcome.email) == ("unknown", "eve@elsewhere.example")
    assert str(outcome.pk) in page.content.decode()
    assert "eve@elsewhere.example" in page.content.decode()
    assert "spec.profile.email" not in page.content.decode(), "how people are found is not for strangers"
    stranger = Client().get("/sign-in/refused")
    assert (stranger.status_code, stranger["Location"]) == (302, "/sign-in")
    assert browser.get("/settings").status_code == 302
    assert not User.objects.filter(username="eve").exists()


def test_the_administrator_sees_every_step_of_a_refusal(idp, openid, people, admin_client):
    signs_in(Client(), idp, "eve")
    page = admin_client.get(f"/admin/sign-in/outcomes/{Outcome.objects.get().pk}").content.decode()
    assert "spec.profile.email = eve@elsewhere.example" in page
    assert "nobody" in page


def test_an_address_that_is_not_confirmed_makes_nobody_somebody_else(client, idp, openid, people):
    answer = signs_in(client, idp, "mallory")
    assert answer["Location"] == "/sign-in/refused"
    assert Outcome.objects.get().reason == "email-unconfirmed"


def test_a_domain_that_is_not_listed_is_refused(client, idp, openid, people):
    openid(domains=["elsewhere.example"])
    assert signs_in(client, idp, "ada")["Location"] == "/sign-in/refused"
    assert Outcome.objects.get().reason == "domain"


def test_unknown_people_get_an_account_that_is_nobody_elses_where_that_is_wanted(client, idp, openid, people):
    openid(unknown="create", resolvers=[{"by": "email"}])
    services.create_user("mallory", password="correct horse battery")
    assert signs_in(client, idp, "mallory")["Location"] == "/"
    made = User.objects.exclude(entity_ref="").get()
    assert made.username == "ada", "the name is free among accounts"
    assert made.entity_ref == "user:idp/ada", "and yet this is not the Ada of the catalog"
    assert principal_of(made).ref == "user:idp/ada"


def test_annotation_and_name_find_people_too(idp, openid, people):
    openid(resolvers=[{"by": "name", "claim": "preferred_username"}])
    assert signs_in(Client(), idp, "mallory")["Location"] == "/"
    assert User.objects.get().entity_ref == "user:default/ada"


def test_a_local_account_of_the_same_person_is_used_and_no_second_one_made(client, idp, openid, people):
    local = services.create_user("ada", password="correct horse battery")
    signs_in(client, idp, "ada")
    assert User.objects.get() == local


def test_an_account_that_is_switched_off_stays_out(client, idp, openid, people):
    signs_in(Client(), idp, "ada")
    services.set_active(User.objects.get(), False)
    assert signs_in(client, idp, "ada")["Location"] == "/sign-in/refused"
    assert Outcome.objects.get().reason == "inactive"
    assert client.get("/settings").status_code == 302


def test_the_second_factor_of_an_account_is_asked_for_here_as_well(client, idp, openid, people):
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    signs_in(Client(), idp, "ada")
    TOTP.activate(User.objects.get(), generate_totp_secret())
    assert Authenticator.objects.count() == 1
    assert signs_in(client, idp, "ada")["Location"].startswith("/sign-in/code")
    assert client.get("/settings").status_code == 302


def test_the_session_begins_anew_at_the_sign_in(client, idp, openid, people):
    away = client.get(START)
    before = client.session.session_key
    client.get(path_of(idp.signs_in(away["Location"], "ada")))
    assert client.session.session_key != before


def test_state_works_once_and_in_its_own_browser(idp, openid, people):
    browser = Client()
    back = path_of(idp.signs_in(browser.get(START)["Location"], "ada"))
    other = Client().get(back)
    assert other["Location"] == "/sign-in/refused?reason=state"
    assert browser.get(back)["Location"] == "/"
    browser.post("/sign-out")
    assert browser.get(back)["Location"] == "/sign-in/refused?reason=state"
    made_up = browser.get("/api/auth/idp/handler/frame?code=x&state=made-up")
    assert made_up["Location"] == "/sign-in/refused?reason=state"


def test_a_code_of_another_sign_in_does_not_fit(idp, openid, people):
    """What an attacker got for themselves cannot be slipped into somebody's browser."""
    attacker, victim = Client(), Client()
    theirs = parse_qs(urlsplit(idp.signs_in(attacker.get(START)["Location"], "ada")).query)
    state = parse_qs(urlsplit(victim.get(START)["Location"]).query)["state"][0]
    answer = victim.get("/api/auth/idp/handler/frame", {"code": theirs["code"][0], "state": state})
    assert answer["Location"] == "/sign-in/refused"
    assert Outcome.objects.get().reason == "provider-failed"
    assert victim.get("/settings").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_another_site_afterwards(client, idp, openid, people, target):
    assert signs_in(client, idp, "ada", f"{START}?next={target}")["Location"] == "/"


def test_a_link_cannot_widen_what_is_asked_of_the_provider(client, openid):
    away = client.get(f"{START}?scope=everything&auth_params=prompt%3Dnone")
    asked = parse_qs(urlsplit(away["Location"]).query)
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert "prompt" not in asked
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]


def test_cancelling_at_the_provider_leads_back_to_the_sign_in_page(client, openid):
    state = parse_qs(urlsplit(client.get(START)["Location"]).query)["state"][0]
    answer = client.get("/api/auth/idp/handler/frame", {"error": "access_denied", "state": state})
    assert answer["Location"] == "/sign-in"


def test_a_provider_that_is_down_keeps_nobody_out_who_is_in_and_says_what_is_wrong(provide, people):
    from tests.signin.conftest import CALLBACK
    from tests.signin.parts import SECRET

    with openid_provider(CALLBACK) as own:
        provide(idp={"type": "oidc", "issuer": own.issuer, "client_id": "portal", "client_secret": SECRET})
        inside, outside = Client(), Client()
        signs_in(inside, own, "ada")
        waiting = outside.get(START)["Location"]
        back = path_of(own.signs_in(waiting, "ada"))
    assert inside.get("/settings").status_code == 200
    assert outside.get(back)["Location"] == "/sign-in/refused"
    page = outside.get("/sign-in/refused")
    assert page.status_code == 503
    assert "cannot be used right now" in page.content.decode()
    assert outside.get(START)["Location"] == "/sign-in/refused"
    assert Outcome.objects.first().reason == "provider-failed"
    assert outside.get("/sign-in").status_code == 200


def test_testing_a_provider_shows_everything_and_signs_nobody_in(admin_client, idp, openid, people):
    away = admin_client.get("/admin/sign-in/providers/idp/test")
    answer = admin_client.get(path_of(idp.signs_in(away["Location"], "ada")))
    outcome = Outcome.objects.get()
    assert outcome.test
    assert answer["Location"] == f"/admin/sign-in/outcomes/{outcome.pk}"
    page = admin_client.get(answer["Location"]).content.decode()
    assert "Would be let in as user:default/ada" in page
    assert "preferred_username" in page
    assert not User.objects.filter(username="ada").exists()
    assert admin_client.get("/admin/sign-in").status_code == 200


def test_a_test_that_somebody_else_finishes_tells_them_nothing(client, idp, openid, people, django_user_model):
    person = services.create_user("bob", password="correct horse battery")
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/sign-in/providers/idp/test").status_code == 403


def test_refresh_answers_the_identity_that_clients_know(client, idp, openid, people):
    signs_in(client, idp, "ada")
    answer = client.get("/api/auth/idp/refresh", headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["profile"] == {"displayName": "Ada Lovelace", "email": "ada@example.com"}
    assert body["backstageIdentity"]["identity"] == {
        "type": "user", "userEntityRef": "user:default/ada", "ownershipEntityRefs": ["user:default/ada"],
    }  # fmt: skip
    token = body["backstageIdentity"]["token"]
    told = Client().get("/api/auth/v1/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert told.json()["claims"]["sub"] == "user:default/ada"
    assert told.json()["claims"]["ent"] == ["user:default/ada"]
    assert client.get("/api/auth/idp/refresh").status_code == 401
    assert client.get("/api/auth/other/refresh", headers={"X-Requested-With": "XMLHttpRequest"}).status_code == 401
    out = client.post("/api/auth/idp/logout", headers={"X-Requested-With": "XMLHttpRequest"})
    assert out.status_code == 200
    assert client.get("/settings").status_code == 302
