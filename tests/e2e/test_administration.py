"""What administrators look after: jobs, the audit record, plugins, tokens, appearance."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.portal import eventually

pytestmark = pytest.mark.e2e


def test_a_job_is_started_and_followed_to_its_end(administrator):
    page = administrator.opens("/admin/jobs?tab=schedules")
    page.get_by_role("button", name=re.compile("^Run now: Remove old entries of the audit record")).click()
    expect(page.locator("h1")).to_contain_text("Remove old entries")
    expect(page.locator("#run-state")).to_contain_text("Succeeded")
    page.goto("/admin/jobs?hidden=on")
    expect(page.get_by_role("table")).to_contain_text("Remove old entries")


def test_the_audit_record_says_who_did_what_through_which_door(administrator):
    page = administrator.opens("/admin/audit?action=portal.session")
    expect(page.get_by_role("table")).to_contain_text("Rita Root")
    page.goto("/admin/audit?door=cli")
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("cli")
    row.get_by_role("link").first.click()
    expect(page.locator("#page")).to_contain_text("Operator of this machine")
    page.goto("/admin/audit")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "Rita Root" in download.value.path().read_text()


def test_a_plugin_is_switched_off_and_on_again(administrator, portal):
    page = administrator.expects(404, 503).opens("/dummy")
    expect(page.locator("#page")).to_contain_text("Ahoy")
    page.goto("/admin/plugins")
    page.get_by_role("link", name="Dummy", exact=True).click()
    expect(page.locator("#page")).to_contain_text("dummy.widget")
    page.get_by_role("link", name="Switch off").click()
    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("link", name="Switch on").wait_for()
    eventually(lambda: portal.asks("/api/dummy/things").status == 503, 6)
    page.goto("/dummy")
    expect(page.locator("#page")).to_contain_text("switched off")
    page.goto("/")
    expect(page.get_by_role("link", name="Dummy things")).to_have_count(0)
    page.goto("/admin/plugins/dummy")
    page.get_by_role("link", name="Switch on").click()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("link", name="Switch off").wait_for()
    eventually(lambda: portal.asks("/api/dummy/things").status == 200, 6)
    page.goto("/")
    expect(page.get_by_role("link", name="Dummy things").first).to_be_visible()


def test_a_plugin_of_the_portal_itself_cannot_be_switched_off(administrator):
    page = administrator.opens("/admin/plugins/catalog")
    expect(page.locator("#page")).to_contain_text("always on")
    expect(page.get_by_role("link", name="Switch off")).to_have_count(0)


def test_a_token_works_until_it_is_revoked(administrator, portal):
    page = administrator.opens("/settings/tokens")
    page.get_by_label("Name").fill("nightly script")
    page.get_by_role("button", name="Create", exact=True).last.click()
    secret = page.locator("[data-secret]")
    token = secret.inner_text()
    assert portal.asks("/api/catalog/entities/by-query?limit=1", token).status == 200
    page.goto("/settings/tokens")
    expect(page.get_by_text("nightly script")).to_be_visible()
    expect(secret).to_have_count(0)
    assert token not in page.content()
    page.get_by_role("button", name="Revoke nightly script").click()
    expect(page.get_by_role("button", name="Revoke nightly script")).to_have_count(0)
    eventually(lambda: portal.asks("/api/catalog/entities/by-query?limit=1", token).status == 401, 5)
    page.goto("/admin/audit?action=portal.token.revoke")
    expect(page.get_by_role("row").nth(1)).to_contain_text("Rita Root")
    expect(page.get_by_role("row").nth(1)).to_contain_text("ui")


def test_a_chosen_theme_stays(administrator):
    page = administrator.opens("/settings/appearance")
    theme = "document.documentElement.dataset.bsTheme"
    assert page.evaluate(theme) == "light"
    page.get_by_label("Your menu, Rita Root").click()
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Dark").click()
    assert page.evaluate(theme) == "dark"
    elsewhere = administrator.opens("/catalog")
    assert elsewhere.evaluate(theme) == "dark"
    page.goto("/settings/appearance")
    page.get_by_label("As the device").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_a_profile_is_changed(administrator):
    page = administrator.opens("/settings")
    page.get_by_label(re.compile("^Name")).fill("Rosa Root")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Your menu, Rosa Root")).to_be_visible()
    page.get_by_label(re.compile("^Name")).fill("Rita Root")
    page.get_by_role("button", name="Save").click()
    page.goto("/")
    expect(page.get_by_label("Your menu, Rita Root")).to_be_visible()


def test_a_webhook_into_a_private_network_is_refused_with_the_setting_that_allows_it(administrator):
    page = administrator.expects(422).opens("/admin/webhooks/new")
    page.get_by_label("Name").fill("private")
    page.get_by_label("Address").fill("http://10.0.0.1/hook")
    page.get_by_label("Events").fill("catalog.*")
    page.get_by_role("button", name="Create", exact=True).last.click()
    expect(page.locator(".invalid-feedback")).to_contain_text("webhooks.allow")
