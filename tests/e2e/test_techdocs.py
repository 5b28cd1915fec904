"""Documentation in a real browser: it reads well, and a hostile page can do nothing."""

import re
import time

import pytest
from playwright.sync_api import expect

from callboard.plugins.techdocs.tests.corpus import CORPUS
from callboard.plugins.techdocs.tests.test_hostile import HARMFUL
from tests.e2e.browsing import accessible

pytestmark = pytest.mark.e2e

TEAM = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: docs-writers}\nspec: {type: team, children: []}\n---\n"
ENTITY = (
    "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: td-%s\n  annotations: {backstage.io/techdocs-ref: 'dir:.'}\n"
    "spec: {type: service, lifecycle: production, owner: docs-writers}\n"
)
EVIL = {
    "mkdocs.yml": "site_name: Evil\n",
    "docs/index.md": "# Evil\n\n" + "\n\n".join(HARMFUL) + '\n\n```mermaid\nflowchart LR\n  A["<img src=x onerror=window.owned=1>"] --> B\n'
    '  click A "javascript:window.owned=1"\n```\n\nThe end.\n',
    "docs/page.html": "<script>localStorage.owned = document.cookie || 'here'; parent.owned = 1</script><p>page</p>",
    "docs/picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>localStorage.owned = "svg"</script></svg>',
}  # fmt: skip


@pytest.fixture(scope="module")
def library(portal, tmp_path_factory):
    """Register a folder of every shape, and one that means harm."""
    from textwrap import dedent

    root = tmp_path_factory.mktemp("library")
    for name, files in {**CORPUS, "evil": EVIL}.items():
        for path, text in files.items():
            target = root / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text), encoding="utf-8")
        (root / name / "catalog-info.yaml").write_text(TEAM + ENTITY % name)
    portal.command("catalog", "import", str(root))
    return root


def read(visitor, name, path="", **more):
    page = visitor.expects(404).opens(f"/docs/default/component/td-{name}/{path}", **more)
    expect(page.locator("#td-text")).to_be_visible(timeout=60_000)
    return page


def test_the_first_view_builds_and_opens_by_itself(administrator, library):
    page = read(administrator, "admonitions-and-tabs")
    expect(page.get_by_role("heading", name="Kitchen", level=1)).to_be_visible()
    expect(page.get_by_text("Put a pot on it.")).to_be_hidden()
    page.get_by_text("Induction", exact=True).click()
    expect(page.get_by_text("Put a pot on it.")).to_be_visible()
    accessible(page)


def test_diagrams_are_drawn_under_the_strict_policy(administrator, library):
    page = read(administrator, "diagrams")
    expect(page.locator("[data-island=mermaid] svg text", has_text="Harbour")).to_be_visible(timeout=20_000)
    expect(page.locator("#td-text img")).to_have_js_property("complete", True)
    assert page.locator("#td-text img").evaluate("image => image.naturalWidth") > 20


def test_formulas_become_mathml(administrator, library):
    page = read(administrator, "code-and-mathematics")
    expect(page.locator("#td-text math")).to_have_count(2)
    accessible(page)


def test_a_remark_on_a_sentence_reaches_the_page(administrator, library):
    page = read(administrator, "nested-navigation")
    page.get_by_role("button", name="Leave a remark").click()
    page.get_by_label("What is wrong, unclear or missing?").fill("Which morning?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".td-remarks")).to_contain_text("Which morning?")
    page.locator(".td-remarks").get_by_role("button", name="Close").click()
    expect(page.locator(".td-remarks")).to_have_count(0)


def test_finding_inside_the_documentation_with_the_keyboard(administrator, library):
    page = read(administrator, "nested-navigation")
    page.keyboard.press("s")
    page.keyboard.type("sand")
    expect(page.locator(".td-hits a").first).to_contain_text("Low water")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/running/tides/#low-water$"))


def test_a_phone_shows_the_text_without_scrolling_sideways(administrator, library):
    page = read(administrator, "code-and-mathematics", viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_hostile_page_neither_acts_nor_takes(administrator, library):
    page = read(administrator, "evil")
    expect(page.get_by_text("The end.")).to_be_visible()
    time.sleep(1)
    assert page.evaluate("window.owned") is None
    for link in page.locator("#td-text a").all():
        assert not (link.get_attribute("href") or "").startswith("javascript")
    # What Mermaid looks at while it sanitises is blocked by the policy, and says so.
    assert all("has been blocked" in text for text in administrator.complaints)
    administrator.complaints.clear()
    assert page.locator("#td-text form, #td-text iframe, #td-text script, #td-text button:not(.td-copy)").count() == 0


@pytest.mark.parametrize("name", ["page.html", "picture.svg"])
def test_a_hostile_file_opened_by_itself_cannot_reach_the_portal(administrator, library, name):
    page = read(administrator, "evil")
    page.evaluate("localStorage.removeItem('owned')")
    page.goto(f"/api/techdocs/static/docs/default/component/td-evil/{name}")
    time.sleep(0.5)
    page.goto("/docs")
    assert page.evaluate("localStorage.getItem('owned')") is None
    assert all("Blocked script execution" in text for text in administrator.complaints)
    administrator.complaints.clear()
