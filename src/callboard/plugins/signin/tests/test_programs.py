"""Programs sign people in with the portal: with consent, PKCE and tokens that end."""

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from django.test import Client

from callboard.plugins.signin.models import Client as Program
from callboard.plugins.signin.models import Grant
from callboard.sdk import auth as services
from callboard.sdk.auth import issuer

pytestmark = pytest.mark.django_db
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BACK = "http://127.0.0.1:33418/callback"


@pytest.fixture
def person():
    return services.create_user("ada", password="correct horse battery", name="Ada Lovelace", email="ada@example.com")


@pytest.fixture
def browser(person):
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def program():
    body = {"client_name": "Agent", "redirect_uris": [BACK], "token_endpoint_auth_method": "none"}
    answer = Client().post("/api/auth/v1/register", body, "application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()["client_id"]


def address(program, **changes):
    asked = {
        "client_id": program, "redirect_uri": BACK, "response_type": "code", "state": "st", "nonce": "n",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "openid profile email offline_access read",
    } | changes  # fmt: skip
    return f"/api/auth/v1/authorize?{urlencode({k: v for k, v in asked.items() if v is not None})}"


def allowed(browser, program, **changes):
    page = browser.get(address(program, **changes))["Location"]
    assert browser.get(page).status_code == 200
    answer = browser.post(page, {"answer": "allow"})
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def exchange(program, **given):
    body = {
        "grant_type": "authorization_code",
        "client_id": program,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        **given,
    }
    return Client().post("/api/auth/v1/token", urlencode(body), "application/x-www-form-urlencoded")


def test_the_metadata_says_where_everything_is(client):
    found = client.get("/api/auth/.well-known/openid-configuration").json()
    assert found["issuer"] == issuer()
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint"):
        assert found[name].startswith(issuer())
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert client.get("/api/auth/.well-known/jwks.json").json()["keys"][0]["alg"] == "ES256"


def test_the_whole_conversation(browser, program):
    back = allowed(browser, program)
    assert (back["state"], back["iss"]) == ("st", issuer())
    answer = exchange(program, code=back["code"])
    assert answer.status_code == 200, answer.content
    tokens = answer.json()
    key = jwt.PyJWK(Client().get("/api/auth/.well-known/jwks.json").json()["keys"][0])
    claims = jwt.decode(tokens["id_token"], key, ["ES256"], audience=program, issuer=issuer())
    assert claims["sub"] == "user:default/ada"
    assert (claims["nonce"], claims["email"], claims["name"]) == ("n", "ada@example.com", "Ada Lovelace")
    told = Client().get("/api/auth/v1/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert told.json()["claims"]["sub"] == "user:default/ada"


def test_a_program_may_do_no_more_than_was_allowed(browser, program):
    token = exchange(program, code=allowed(browser, program)["code"]).json()["access_token"]
    asked = [
        {"id": n, "permission": {"name": n}}
        for n in ("catalog.entity.read", "catalog.location.create", "admin.users.manage")
    ]
    answer = Client().post(
        "/api/permission/authorize", {"items": asked}, "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert [item["result"] for item in answer.json()["items"]] == ["ALLOW", "DENY", "DENY"]


def test_a_person_who_refuses_sends_the_program_away_empty_handed(browser, program):
    page = browser.get(address(program))["Location"]
    answer = browser.post(page, {"answer": "refuse"})
    assert "error=access_denied" in answer["Location"]
    assert "code=" not in answer["Location"]
    assert browser.post(page, {"answer": "allow"}).status_code == 404


def test_nobody_is_asked_before_they_are_signed_in(program):
    page = Client().get(address(program))["Location"]
    assert Client().get(page)["Location"].startswith("/sign-in?")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1:33418/other"},
        {"redirect_uri": "http://127.0.0.1.evil.example/callback"},
        {"client_id": "made-up"},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_the_program_s(browser, program, changes):
    answer = browser.get(address(program, **changes))
    assert answer.status_code == 400
    assert "Location" not in answer


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_what_is_unsafe_is_refused(browser, program, changes, error):
    assert f"error={error}" in browser.get(address(program, **changes))["Location"]


def test_another_port_of_the_same_machine_is_the_same_program(browser, program):
    assert browser.get(address(program, redirect_uri="http://127.0.0.1:50000/callback")).status_code == 302


def test_a_code_works_once_and_using_it_twice_ends_everything(browser, program):
    code = allowed(browser, program)["code"]
    first = exchange(program, code=code)
    assert first.status_code == 200
    assert exchange(program, code=code).json()["error"] == "invalid_grant"
    renewed = exchange(program, grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
    assert renewed.status_code == 400


def test_a_code_is_nothing_without_its_verifier_or_for_another_program(browser, program):
    code = allowed(browser, program)["code"]
    assert exchange(program, code=code, code_verifier="w" * 64).status_code == 400
    body = {"redirect_uris": [BACK], "token_endpoint_auth_method": "none"}
    other = Client().post("/api/auth/v1/register", body, "application/json").json()["client_id"]
    assert exchange(other, code=code).status_code == 400
    assert exchange(program, code=code).status_code == 200


def test_a_refresh_token_is_new_each_time_and_an_old_one_ends_all(browser, program):
    first = exchange(program, code=allowed(browser, program)["code"]).json()["refresh_token"]
    second = exchange(program, grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    assert second != first
    assert exchange(program, grant_type="refresh_token", refresh_token=first).status_code == 400
    assert exchange(program, grant_type="refresh_token", refresh_token=second).status_code == 400


def test_ending_the_sessions_of_an_account_ends_what_programs_were_allowed(browser, program, person):
    refresh = exchange(program, code=allowed(browser, program)["code"]).json()["refresh_token"]
    services.end_sessions(person)
    assert exchange(program, grant_type="refresh_token", refresh_token=refresh).status_code == 400


def test_a_person_stops_a_program_and_nobody_else_can(browser, program, person):
    refresh = exchange(program, code=allowed(browser, program)["code"]).json()["refresh_token"]
    grant = Grant.objects.get(state="live")
    stranger = Client()
    stranger.force_login(
        services.create_user("eve", password="correct horse battery"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert stranger.post(f"/settings/programs/{grant.pk}/stop").status_code == 403
    assert "Agent" in browser.get("/settings/account").content.decode()
    browser.post(f"/settings/programs/{grant.pk}/stop")
    assert exchange(program, grant_type="refresh_token", refresh_token=refresh).status_code == 400


def test_the_consent_page_cannot_be_answered_from_another_site(person, program):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get(address(program))["Location"]
    assert browser.post(page, {"answer": "allow"}).status_code == 403
    assert browser.post(f"/api/auth/v1/sessions/{page.rpartition('/')[2]}/approve").status_code == 403
    assert Grant.objects.get().state == "asked"


def test_a_token_cannot_allow_a_program(person, program):
    _row, secret = services.create_token("t", ["write"], 1, person)
    browser = Client()
    grant = browser.get(address(program))["Location"].rpartition("/")[2]
    answer = browser.post(f"/api/auth/v1/sessions/{grant}/approve", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 403


def test_administration_is_allowed_by_administrators_alone(browser, program):
    token = exchange(program, code=allowed(browser, program, scope="admin read")["code"]).json()
    assert "admin" not in token["scope"].split()


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "http://evil.example/",
        "https://a.example/#x",
        "data:text/html,x",
        "https://*.example/",
        "",
        7,
    ],
)
def test_a_redirect_address_that_could_hurt_is_refused(client, uri):
    answer = client.post("/api/auth/v1/register", {"redirect_uris": [uri]}, "application/json")
    assert answer.status_code == 400
    assert not Program.objects.exists()


def test_registration_takes_only_what_it_knows(client):
    body = {
        "redirect_uris": ["cursor://anysphere/callback"],
        "client_id": "mine",
        "source": "admin",
        "secret_digest": "x",
    }
    made = client.post("/api/auth/v1/register", body, "application/json").json()
    assert made["client_id"] != "mine"
    row = Program.objects.get()
    assert row.source == "dynamic"
    assert row.secret_digest == hashlib.sha256(made["client_secret"].encode()).hexdigest()


def test_a_secret_is_checked_where_there_is_one(client, browser):
    made = client.post("/api/auth/v1/register", {"redirect_uris": [BACK]}, "application/json").json()
    code = allowed(browser, made["client_id"])["code"]
    assert exchange(made["client_id"], code=code).status_code == 401
    assert exchange(made["client_id"], code=code, client_secret=made["client_secret"]).status_code == 200


def test_descriptions_at_private_addresses_are_not_fetched(client):
    answer = client.get(address("https://127.0.0.1/client.json"))
    assert answer.status_code == 400
    assert "not a public address" in json.loads(answer.content)["error_description"]


def test_registration_is_limited(client):
    answers = [
        client.post("/api/auth/v1/register", {"redirect_uris": [BACK]}, "application/json").status_code
        for _ in range(22)
    ]
    assert answers[0] == 201
    assert answers[-1] == 429
