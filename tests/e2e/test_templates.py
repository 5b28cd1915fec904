"""Templates of the demo, used by a person to the very end: form, review, task, new entity in the catalog."""

import json
import subprocess
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import accessible
from tests.e2e.portal import eventually

pytestmark = pytest.mark.e2e

MADE = {
    "python-service": ({"name": "e2e-service", "description": "Answers", "owner": "rigging", "database": True}, "component"),
    "python-library": ({"name": "e2e-library", "owner": "rigging", "extras": [{"name": "web", "packages": "httpx"}]}, "component"),
    "website": ({"name": "e2e-site", "owner": "rigging", "pages": ["home", "press"]}, "component"),
    "delivery-pipeline": ({"name": "e2e-pipeline", "owner": "rigging", "target": {"kind": "bucket", "bucket": "b"}}, "component"),
    "storage-bucket": ({"name": "e2e-bucket", "owner": "rigging", "contents": "pictures"}, "resource"),
    "data-job": ({"name": "e2e-job", "owner": "rigging", "columns": [{"name": "id", "type": "number", "needed": True}]}, "component"),
}  # fmt: skip


def finish(page):
    """Go on to the review, create, and wait until the task is over."""
    here = page.locator(".sc-steps [aria-current]")
    while (shown := here.inner_text()) != "Review":
        page.locator(".sc-buttons button[value=next]").click()
        expect(here).not_to_have_text(shown)
    page.locator(".sc-buttons button[value=create]").click()
    page.wait_for_url("**/create/tasks/**")
    expect(page.locator("#task-state").get_by_text("Completed").first).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("name", list(MADE))
def test_a_template_is_used_to_the_end(administrator, portal, name):
    values, kind = MADE[name]
    page = administrator.opens(f"/create/templates/default/{name}?formData={quote(json.dumps(values))}")
    finish(page)
    page.get_by_role("link", name="Open in the catalogue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(values["name"])
    found = eventually(
        lambda: portal.asks(f"/api/catalog/entities/by-name/{kind}/default/{values['name']}").status == 200, 30
    )
    assert found
    repository = portal.place / "data" / "git" / f"{values['name']}.git"
    shown = subprocess.run(
        ["git", f"--git-dir={repository}", "ls-tree", "-r", "--name-only", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "catalog-info.yaml" in shown.stdout


def test_pages_are_written_and_a_dashboard_is_added_to_what_is_there(administrator, portal):
    values = {"component": "component:default/order-service", "runbook": False}
    page = administrator.opens(f"/create/templates/default/docs-starter?formData={quote(json.dumps(values))}")
    finish(page)
    expect(page.get_by_role("log")).to_contain_text("docs/index.md")

    page = administrator.opens("/catalog/default/component/order-service")
    page.get_by_role("link", name="Add a dashboard").click()
    finish(page)
    assert eventually(
        lambda: portal.asks("/api/catalog/entities/by-name/resource/default/order-service-dashboard").status == 200, 30
    )


def test_the_form_says_what_is_wrong_and_everything_is_accessible(administrator):
    page = administrator.expects(422).opens("/create")
    accessible(page)
    page.get_by_role("link", name="Choose Python library").click()
    page.get_by_label("Name").first.fill("Not A Name")
    page.locator(".sc-buttons button[value=next]").click()
    expect(page.get_by_text("Not everything is right yet")).to_be_visible()
    expect(page.get_by_text("This does not have the right form").first).to_be_visible()
    accessible(page)
    accessible(administrator.opens("/create/tasks?whose=all"))
