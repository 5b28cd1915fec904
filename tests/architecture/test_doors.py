"""What a visitor who has not signed in may see."""

import re

import pytest

from callboard.core.registry.contract import ApiRouter, Page
from callboard.core.registry.store import registry

OPEN = {
    "sign-in": "the way in",
    "account_login": "the way in, by the name that django-allauth knows",
    "account_inactive": "says why somebody does not get in",
    "mfa_authenticate": "the second step of the way in",
    "guest": "the way in of the demo",
    "sign-out": "the way out answers whoever comes",
    "setup": "makes the first account; its link is the permission",
    "mfa_login_webauthn": "the way in with a passkey",
    "signin-refused": "says to a browser why it was not let in, and to others nothing",
}
"""Pages that answer everybody, and why."""

OPEN_OPERATIONS = {
    "get /api/auth/.well-known/openid-configuration": "what programs must know before anybody signs in",
    "get /api/auth/.well-known/oauth-authorization-server": "likewise",
    "get /api/auth/.well-known/jwks.json": "public keys",
    "get /api/auth/v1/authorize": "sends people to a page that asks who they are",
    "post /api/auth/v1/token": "the code, or the refresh token, is the proof",
    "post /api/auth/v1/revoke": "likewise",
    "post /api/auth/v1/register": "programs register themselves; people allow each one",
    "get /api/auth/{provider_id}/start": "the way in",
    "get /api/auth/{provider_id}/handler/frame": "the way in",
    "post /api/auth/{provider_id}/handler/frame": "the way in",
    "get /api/auth/{provider_id}/metadata": "what a SAML provider must know before anybody signs in",
}
"""Operations that answer everybody, and why."""

SAMPLES = {"int": "1", "uuid": "00000000-0000-0000-0000-000000000000"}
PAGES = [page for _, page in registry.every(Page)]
ROUTERS = [item for _, item in registry.every(ApiRouter)]


def address(page):
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda m: SAMPLES.get(m[1] or "str", "x"), page.path)


@pytest.mark.parametrize("page", [p for p in PAGES if not p.anonymous], ids=lambda page: page.id)
@pytest.mark.django_db
def test_a_page_sends_a_stranger_to_sign_in(page, client):
    answer = client.get(address(page))
    assert answer.status_code == 302
    assert answer.headers["Location"].partition("?")[0] == "/sign-in"


def test_only_listed_pages_are_open_to_everybody():
    assert sorted({page.name for page in PAGES if page.anonymous}) == sorted(OPEN)


@pytest.mark.parametrize("page", [p for p in PAGES if p.anonymous], ids=lambda page: page.id)
@pytest.mark.django_db
def test_an_open_page_answers_without_an_error(page, client):
    assert client.get(address(page)).status_code < 500


@pytest.mark.parametrize("router", ROUTERS, ids=lambda router: router.id)
@pytest.mark.django_db
def test_an_api_answers_a_stranger_with_401(router, client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ada"))
    document = client.get(f"/api/{router.prefix}/openapi.json").json()
    client.logout()
    answers = {}
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"get", "post", "put", "patch", "delete"}:
            sent = {"data": b"{}", "content_type": "application/json"} if method != "get" else {}
            answers[f"{method} {path}"] = client.generic(
                method.upper(), re.sub(r"\{[^}]+\}", "x", path), **sent
            ).status_code
    opened = {name for name, status in answers.items() if status != 401}
    assert opened - OPEN_OPERATIONS.keys() == set()
    assert all(answers[name] < 500 for name in opened)
    assert answers
