"""Signing in through a SAML provider made with pysaml2, and what a forged, old or foreign answer meets."""

import base64
from urllib.parse import urlsplit

import pytest
from django.test import Client

from callboard.core.auth.models import User
from callboard.plugins.signin.models import Outcome
from tests.signin.saml_provider import ENTITY_ID, SSO, SamlProvider

pytestmark = pytest.mark.django_db
CALLBACK = "/api/auth/corp/handler/frame"
ADA = {"mail": "ada@example.com", "uid": "ada", "displayName": "Ada Lovelace", "groups": ["engines", "poets"]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return tmp_path_factory.mktemp("saml")


@pytest.fixture
def saml(keys, provide, client, people):
    """The portal knows the provider's certificate; the provider knows the portal's metadata."""
    maker = SamlProvider(keys)
    provide(corp={"type": "saml", "entity_id": ENTITY_ID, "sso_url": SSO, "certificate": maker.certificate})
    metadata = client.get("/api/auth/corp/metadata")
    assert metadata.status_code == 200, metadata.content
    return SamlProvider(keys, metadata.content.decode())


def asks(browser, query=""):
    away = browser.get(f"/api/auth/corp/start{query}")
    assert away["Location"].startswith(SSO)
    return away["Location"]


def posts(browser, answer):
    """The form of the other site comes without the session's cookie; the redirect after it brings the cookie."""
    kept = Client().post(CALLBACK, {"SAMLResponse": answer})
    assert kept.status_code == 302, kept.content
    target = urlsplit(kept["Location"])
    return browser.get(f"{target.path}?{target.query}")


def test_a_person_comes_in(saml):
    browser = Client()
    answer = posts(browser, saml.answer(asks(browser, "?next=/catalog"), "ada-0815", ADA))
    assert answer["Location"] == "/catalog", Outcome.objects.values("reason", "details")
    user = User.objects.get()
    assert user.entity_ref == "user:default/ada"
    assert user.idp_groups == ["corp:engines", "corp:poets"]
    assert browser.get("/settings").status_code == 200


def test_an_answer_works_once(saml):
    browser = Client()
    answer = saml.answer(asks(browser), "ada-0815", ADA)
    assert posts(browser, answer)["Location"] == "/"
    assert posts(browser, answer)["Location"] == "/sign-in/refused?reason=state"
    other = Client()
    asks(other)
    assert posts(other, answer)["Location"] == "/sign-in/refused"


def test_an_answer_to_another_request_is_refused(saml):
    theirs, mine = Client(), Client()
    answer = saml.answer(asks(theirs), "ada-0815", ADA)
    asks(mine)
    assert posts(mine, answer)["Location"] == "/sign-in/refused"
    assert Outcome.objects.get().reason == "provider-failed"


def test_an_answer_nobody_asked_for_is_refused(saml):
    asked = Client()
    answer = saml.answer(asks(asked), "ada-0815", ADA)
    assert posts(Client(), answer)["Location"] == "/sign-in/refused?reason=state"


@pytest.mark.parametrize("forgery", ["unsigned", "changed", "other-key", "nonsense"])
def test_a_forged_answer_is_refused(saml, forgery, tmp_path):
    browser = Client()
    address = asks(browser)
    if forgery == "unsigned":
        answer = saml.answer(address, "ada-0815", ADA, sign=False)
    elif forgery == "changed":
        text = base64.b64decode(saml.answer(address, "eve", {**ADA, "mail": "eve@elsewhere.example"})).decode()
        answer = base64.b64encode(text.replace("eve@elsewhere.example", "ada@example.com").encode()).decode()
    elif forgery == "other-key":
        stranger = SamlProvider(tmp_path, (saml.place / "sp.xml").read_text())
        answer = stranger.answer(address, "ada-0815", ADA)
    else:
        answer = base64.b64encode(b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>").decode()
    assert posts(browser, answer)["Location"] == "/sign-in/refused"
    outcome = Outcome.objects.get()
    assert outcome.reason == "provider-failed"
    assert "root:" not in str(outcome.details)
    assert not User.objects.exists()


def test_the_library_is_not_loaded_before_somebody_signs_in_so():
    import subprocess
    import sys

    code = (
        "from callboard.project import testing; testing.database_url()\n"
        "import django, os; os.environ['DJANGO_SETTINGS_MODULE']='callboard.project.settings'; django.setup()\n"
        "import callboard.project.urls, sys\n"
        "print([m for m in ('onelogin', 'ldap3', 'fido2', 'scim2_models', 'jwt', 'xmlsec') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
