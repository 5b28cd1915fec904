"""The life of a location: looked at, registered, watched, broken, unregistered, brought back."""

import re
import time

import pytest
from playwright.sync_api import expect

from callboard.plugins.catalog.tests.servers import repository, running_git_site
from tests.e2e.portal import eventually

pytestmark = pytest.mark.e2e

SHOP = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: e2e-shop, title: Corner shop, description: Sells %s.}
spec: {type: service, lifecycle: production, owner: stage-door}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: e2e-broken}
spec: {type: service, lifecycle: production}
"""


@pytest.fixture
def shop(tmp_path):
    """A repository with one good document and one that names no owner."""
    return repository(tmp_path / "shop", {"catalog-info.yaml": SHOP % "bread", "README.md": "# Shop\n"})


def test_a_location_lives_from_its_first_look_to_its_undo(administrator, portal, shop):
    page = administrator.expects(404).opens("/catalog/register")
    page.get_by_label("Repository or file").fill(str(shop))
    page.get_by_role("button", name="Look at it").click()

    expect(page.get_by_role("heading", name="One entity found")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Corner shop"))).to_contain_text("new")
    problem = page.locator(".cat-problems li")
    expect(problem).to_have_count(1)
    expect(problem).to_contain_text("owner")
    expect(problem).to_contain_text(re.compile(r"catalog-info\.yaml:\d+"))
    expect(problem.locator(".cat-remedy")).not_to_have_text("")

    page.get_by_role("button", name="Register 1 entity").click()
    expect(page.get_by_role("heading", name="One entity is in the catalog")).to_be_visible(timeout=8000)
    expect(page.get_by_role("heading", name="One problem")).to_be_visible()
    page.get_by_role("link", name="Corner shop").click()
    expect(page.locator("#page")).to_contain_text("Sells bread.")

    (shop / "catalog-info.yaml").write_text(SHOP % "cake")
    saved = time.monotonic()
    eventually(
        lambda: "Sells cake." in portal.asks("/api/catalog/entities/by-name/component/default/e2e-shop").text, 10
    )
    assert time.monotonic() - saved < 2.0
    page.reload()
    expect(page.locator("#page")).to_contain_text("Sells cake.")
    page.locator(".cb-header .nav").get_by_role("link", name="History").click()
    expect(page.locator("del")).to_contain_text("bread")
    expect(page.locator("ins")).to_contain_text("cake")

    page.goto("/catalog/ingestion?text=e2e-broken")
    expect(page.locator(".cat-problems li")).to_have_count(1)
    expect(page.locator(".cat-problems li")).to_contain_text(re.compile(r"catalog-info\.yaml:\d+"))
    page.goto("/catalog/ingestion/locations?text=shop")
    expect(page.get_by_role("row", name="/shop").first).to_contain_text("with problems")

    page.goto("/catalog/default/component/e2e-shop")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Unregister…").click()
    expect(page.locator(".cat-going")).to_contain_text("Corner shop")
    page.get_by_role("button", name="Unregister, and remove 1 entity").click()
    expect(page.locator("[data-toast]")).to_contain_text("1 entity went with it")
    gone = page.get_by_role("row", name=re.compile("e2e-shop"))
    expect(gone).to_be_visible()

    page.goto("/catalog/default/component/e2e-shop")
    expect(page.locator("h1")).to_contain_text("is not in the catalog")
    expect(page.get_by_text("It was removed")).to_be_visible()
    page.goto("/catalog/ingestion/removed?text=e2e-shop")
    gone.get_by_role("button", name=re.compile("Bring .* back")).click()
    expect(page.locator("[data-toast]")).to_contain_text("is being brought back")
    eventually(lambda: portal.asks("/api/catalog/entities/by-name/component/default/e2e-shop").status == 200, 10)
    page.goto("/catalog/default/component/e2e-shop")
    expect(page.locator("#page")).to_contain_text("Sells cake.")


def test_a_repository_is_registered_over_http_at_a_branch(administrator, portal, tmp_path):
    text = SHOP.replace("e2e-shop", "e2e-kiosk").replace("Corner shop", "Kiosk").split("---")[0] % "papers"
    repository(tmp_path / "served" / "kiosk", {"catalog-info.yaml": text})
    with running_git_site(tmp_path / "served") as site:
        page = administrator.opens("/catalog/register")
        page.get_by_label("Repository or file").fill(f"{site.url}/kiosk/.git")
        page.get_by_label("Branch, tag or commit").fill("main")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="One entity found")).to_be_visible()
        page.get_by_role("button", name="Register 1 entity").click()
        page.get_by_role("link", name="Kiosk").click(timeout=8000)
        expect(page.locator("#page")).to_contain_text("Sells papers.")
        assert any("git-upload-pack" in request for request in site.requests)


def test_an_address_that_cannot_be_read_is_answered_with_reason_and_remedy(administrator, tmp_path):
    page = administrator.expects(422).opens("/catalog/register")
    page.get_by_label("Repository or file").fill(str(tmp_path / "nothing-here"))
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator(".alert, .cat-problem").first).to_contain_text("nothing-here")
    expect(page.locator("h1")).to_have_text("Register a location")
