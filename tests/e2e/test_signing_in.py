"""Coming in through a real identity provider and with a passkey, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import accessible, settled, sign_in
from tests.e2e.portal import ADMINISTRATOR, PASSWORD
from tests.signin.parts import openid_provider

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def idp(portal):
    """The certified provider, where the portal expects it."""
    with openid_provider(f"{portal.url}/api/auth/idp/handler/frame", port=portal.idp_port) as provider:
        yield provider


def at_the_provider(page, person):
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name=re.compile("sign-in", re.IGNORECASE)).click()
    page.get_by_role("button", name="Continue").click()


def test_a_person_of_the_demo_comes_in_through_the_provider(nobody, idp, portal):
    page = nobody.opens("/sign-in?next=/settings/account")
    page.get_by_role("link", name="Sign in with Acme").click()
    at_the_provider(page, "amara.okafor")
    page.wait_for_url(f"{portal.url}/settings/account")
    sessions = page.get_by_role("region", name="Where you are signed in")
    expect(sessions).to_contain_text("Chrome")
    expect(sessions).to_contain_text("idp")
    accessible(page)


def test_a_stranger_is_told_why_not_and_the_administrator_sees_everything(nobody, administrator, idp, portal):
    page = nobody.expects(403).opens("/sign-in")
    page.get_by_role("link", name="Sign in with Acme").click()
    at_the_provider(page, "eve")
    page.wait_for_url(f"{portal.url}/sign-in/refused")
    expect(page.locator("h1")).to_have_text("You were not let in")
    number = page.locator("code").inner_text()
    accessible(page)
    theirs = administrator.opens(f"/admin/sign-in/outcomes/{number}")
    expect(theirs.get_by_role("region", name="How the person was looked for")).to_contain_text("eve@elsewhere.example")
    accessible(theirs)


def test_an_administrator_sets_a_provider_up_tests_it_and_its_secret_is_never_shown_again(administrator, portal):
    page = administrator.opens("/admin/sign-in")
    settled(page)
    accessible(page)
    page.get_by_role("button", name="Add a provider").click()
    page.get_by_role("link", name="GitHub", exact=True).click()
    page.get_by_label("Client ID").fill("an-id")
    page.get_by_label("Client secret").fill("very-hidden-secret")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("GitHub")
    expect(page.get_by_text(f"{portal.url}/api/auth/github/handler/frame")).to_be_visible()
    expect(page.get_by_text("Stored. Leave it empty to keep it.")).to_be_visible()
    assert "very-hidden-secret" not in page.content()
    accessible(page)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("h1")).to_have_text("Sign-in")


def test_a_passkey_is_added_and_signs_in_alone(nobody, portal):
    address = portal.url.replace("127.0.0.1", "localhost")
    page = nobody.opens(f"{address}/sign-in")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                     "isUserVerified": True, "automaticPresenceSimulation": True}},
    )  # fmt: skip
    sign_in(page, ADMINISTRATOR, PASSWORD)
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/settings/keys/add")
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill("Virtual key")
    accessible(page)
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url(re.compile("/settings/(recovery-codes|account)"))
    page.goto(f"{address}/settings/account")
    expect(page.get_by_text("Virtual key")).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/settings/account")
    page.get_by_role("link", name="Remove Virtual key").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Virtual key")).to_have_count(0)
