"""Coming in, looking around without an account, being refused, going out, and reading with scripts switched off."""

import base64
import hmac
import re
import struct
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import accessible, settled, sign_in, well_formed
from tests.e2e.portal import ADMINISTRATOR, PASSWORD

pytestmark = pytest.mark.e2e


def test_a_guest_looks_around_and_is_told_so(guest):
    page = guest.opens("/")
    expect(page.get_by_role("complementary", name="Notices")).to_contain_text("guest")
    page.get_by_role("link", name="Browse the catalog").click()
    expect(page.locator("h1")).to_contain_text("Components")
    expect(page.locator("tbody tr").first).to_be_visible()
    expect(page.get_by_role("link", name="Register")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Star "))).to_have_count(0)


def test_a_guest_who_wants_to_register_is_told_why_not(guest):
    page = guest.expects(403).opens("/catalog/register")
    expect(page.locator(".cb-error-status")).to_have_text("403")
    expect(page.locator(".cb-error-reason")).to_contain_text("guest", ignore_case=True)
    page.get_by_role("link", name=re.compile("sign in", re.IGNORECASE)).last.click()
    expect(page.locator("h1")).to_have_text("Sign in")


def test_a_wrong_password_is_refused_and_the_right_one_leads_to_where_one_wanted_to_go(nobody):
    page = nobody.opens("/admin/audit")
    expect(page.locator("h1")).to_have_text("Sign in")
    sign_in(page, ADMINISTRATOR, "not this one at all")
    expect(page.get_by_text("The username or password is not right.")).to_be_visible()
    expect(page.get_by_label("Username or email address")).to_have_value(ADMINISTRATOR)
    sign_in(page, ADMINISTRATOR, PASSWORD)
    expect(page.locator("h1")).to_have_text("Audit")


def test_signing_in_with_the_keyboard_alone_and_out_again(nobody):
    page = nobody.opens("/sign-in")
    page.get_by_label("Username or email address").focus()
    page.keyboard.type(ADMINISTRATOR)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Rita")
    page.get_by_label("Your menu, Rita Root").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-*")
    page.goto("/settings")
    expect(page.locator("h1")).to_have_text("Sign in")


@pytest.mark.parametrize("address", ["/sign-in", "/sign-out", "/sign-in/inactive", "/setup?token=not-a-token"])
def test_the_pages_before_the_sign_in_are_accessible(nobody, address):
    page = nobody.expects(403, 404, 410).opens(address)
    settled(page)
    well_formed(page)
    accessible(page)


def test_an_account_that_an_administrator_makes_comes_in_by_its_link(administrator, nobody):
    page = administrator.opens("/admin/users")
    page.get_by_label("Username", exact=True).fill("leila.farahani")
    page.get_by_role("button", name="Create", exact=True).last.click()
    link = page.get_by_text(re.compile(r"/setup\?token=")).first
    expect(link).to_be_visible()
    token = re.search(r"/setup\?token=[\w.:-]+", link.inner_text())[0]
    page.goto("/admin/users?text=leila")
    accessible(page)
    theirs = nobody.opens(token)
    accessible(theirs)
    theirs.get_by_label("Password", exact=True).fill("a very long password")
    theirs.get_by_label("Password, once more").fill("a very long password")
    theirs.get_by_role("button", name="Set the password").click()
    sign_in(theirs, "leila.farahani", "a very long password")
    expect(theirs.locator("h1")).to_contain_text(re.compile("Good .*leila", re.IGNORECASE))
    expect(theirs.get_by_role("link", name="Stage Door").first).to_be_visible()
    theirs.goto("/catalog?kind=component&user=owned")
    expect(theirs.get_by_role("link", name="Box office desk")).to_be_visible()
    nobody.expects(403)
    theirs.goto("/admin/users")
    expect(theirs.locator(".cb-error-status")).to_have_text("403")


def test_reading_works_with_scripts_switched_off(guest):
    page = guest.opens("/catalog?kind=component", java_script_enabled=False)
    page.locator("#catalog-text").fill("box office")
    page.get_by_label("website").check()
    page.get_by_role("button", name="Apply").click()
    assert "text=box" in page.url
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody").get_by_role("link", name="Box office desk").click()
    expect(page.locator("h1")).to_contain_text("Box office desk")
    expect(page.get_by_role("link", name="Stage Door").first).to_be_visible()
    page.get_by_role("link", name="Source", exact=True).click()
    expect(page.locator(".cat-code")).to_contain_text("kind: Component")
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_role("link", name="Show or hide the navigation").click()
    page.locator("#side").get_by_role("link", name="Home", exact=True).click()
    expect(page.locator("h1")).to_have_text("Welcome")
    well_formed(page)


def _code(secret: str) -> str:
    """What an authenticator app would show now (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def _prove_it(page):
    """Enter the password again where the portal asks whether it is still the same person."""
    settled(page)
    if page.get_by_role("heading", name="Confirm it is you").count():
        accessible(page)
        page.locator("#page input[type=password], #page input[name=code]").first.fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
        settled(page)


def test_a_second_factor_is_switched_on_asked_for_and_switched_off(portal, nobody):
    portal.command("user", "create", "tess", "--name", "Tess Two", stdin=f"{PASSWORD}\n")
    page = nobody.opens("/settings/account")
    sign_in(page, "tess", PASSWORD)
    page.get_by_role("link", name="Switch on").click()
    page.wait_for_url(re.compile("/settings/(confirm|two-factor)"))
    _prove_it(page)
    secret = page.locator("code.text-break").first.text_content().strip()
    accessible(page)
    page.get_by_label("Code").fill(_code(secret))
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    for address in ("/settings/recovery-codes/new", "/settings/recovery-codes"):
        page.goto(address)
        _prove_it(page)
        well_formed(page)
        accessible(page)
    recovery = page.locator("ul.font-monospace li").first.text_content().strip()
    page.context.clear_cookies()
    page.goto("/sign-in?next=/settings/account")
    sign_in(page, "tess", PASSWORD)
    expect(page.get_by_label("Code")).to_be_visible()
    accessible(page)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".invalid-feedback")).to_be_visible()
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/settings/account")
    page.goto("/settings/two-factor/off")
    _prove_it(page)
    accessible(page)
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("link", name="Switch on")).to_be_visible()
