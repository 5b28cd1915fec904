"""The shell in a real browser: does it look right to axe-core, do keys, palette and navigation work."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect, sync_playwright

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[5]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = os.environ.get("CALLBOARD_PICTURES", "")
PAGES = ("table", "table?q=nothing-like-it", "entity/payments", "form", "broken", "missing", "forbidden", "sign-in")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=os.environ.get("CALLBOARD_CHROMIUM", "/usr/bin/chromium"),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def portal(sample, live_server, person):
    return live_server


@pytest.fixture
def visit(browser, portal, signed_in):
    """Answer a function that opens a page as Ada, in a theme and size, and watches for complaints."""
    contexts, complaints = [], []

    def go(path, *, theme="light", width=1440, script=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            java_script_enabled=script,
            bypass_csp=False,
            base_url=portal.url,
        )
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=portal.url)
        cookie = signed_in.cookies[django_settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": portal.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error"
                and "Failed to load resource" not in message.text
                and "Response Status Error Code" not in message.text
                else None
            ),
        )
        page.goto(f"/sample/{path}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


def settle(page):
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(250)


def until(page, expression):
    """Wait until an expression is true; Playwright's own way of it needs eval, which pages forbid."""
    for _ in range(50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {expression}")


def violations(page):
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(v => "
        "[v.id, v.help, ...v.nodes.map(n => n.target.join(' ') + ' :: ' + (n.any[0]?.message ?? n.failureSummary))])"
    )


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(visit, theme):
    found = {}
    page = visit("table", theme=theme)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for path in PAGES:
            page.goto(f"/sample/{path}")
            settle(page)
            picture(page, f"{path.replace('/', '-').replace('?', '-')}-{theme}-{width}")
            bad = violations(page)
            if bad:
                found[f"{path} {width}"] = bad
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert found == {}, json.dumps(found, indent=1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_what_floats_above(visit, theme):
    page = visit("table", theme=theme)
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-list a").first).to_be_visible()
    picture(page, f"palette-{theme}")
    assert violations(page) == []
    page.keyboard.type("se")
    expect(page.get_by_role("option", name="seat-reservation")).to_be_visible()
    picture(page, f"palette-found-{theme}")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    picture(page, f"shortcuts-{theme}")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_label("Your menu, Ada Byron").click()
    picture(page, f"menu-{theme}")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("[")
    picture(page, f"collapsed-{theme}")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_role("button", name="Show or hide the navigation").click()
    page.wait_for_timeout(250)
    picture(page, f"phone-nav-{theme}")
    assert violations(page) == []


def test_navigation_swaps_the_page_and_keeps_title_focus_and_scroll_right(visit):
    page = visit("table")
    page.set_viewport_size({"width": 1440, "height": 500})
    page.evaluate("window.kept = true; window.scrollTo(0, 120)")
    page.get_by_role("link", name="payments", exact=True).first.click()
    expect(page).to_have_title("payments · Callboard")
    expect(page).to_have_url(page.url.split("/sample")[0] + "/sample/entity/payments")
    assert page.evaluate("window.kept") is True
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.evaluate("scrollY") == 0
    assert page.locator(".cb-nav-link[aria-current]").count() == 0
    assert page.locator("#page").count() == 1
    page.go_back()
    expect(page).to_have_title("Catalog & friends · Callboard")
    expect(page.locator(".cb-nav-link[aria-current]")).to_have_text("Catalog12")
    expect(page.locator("h1")).to_have_text("Catalog & friends")
    assert page.locator("#page").count() == 1
    until(page, "scrollY > 60")
    page.go_forward()
    expect(page.locator("h1")).to_have_text("payments")


def test_errors_of_boosted_navigation_stand_in_the_shell(visit):
    page = visit("table")
    page.evaluate(
        "() => { const a = document.createElement('a'); a.href = '/sample/broken'; a.id = 'go'; a.textContent = 'go'; document.querySelector('#page').append(a); htmx.process(a); window.kept = true; }"
    )
    page.locator("#go").click()
    expect(page.locator("h1")).to_have_text("Something went wrong")
    assert page.evaluate("window.kept") is True


def test_the_palette_finds_and_opens_with_the_keyboard_alone(visit):
    page = visit("table")
    page.keyboard.press("/")
    expect(page.locator("#palette-input")).to_be_focused()
    page.keyboard.type("box-o")
    expect(page.get_by_role("option", name="box-office")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("box-office")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("group", name="Recent").get_by_role("option")).to_have_text(["Catalog & friends"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Catalog & friends")


def test_shortcuts_go_where_the_help_sheet_says(visit):
    page = visit("entity/payments")
    page.keyboard.press("c")
    page.keyboard.press("r")
    expect(page.locator("h1")).to_have_text("Register")
    page.locator("#id_name").focus()
    page.keyboard.type("g c")
    expect(page.locator("#id_name")).to_have_value("g c")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.locator("h1")).to_have_text("Catalog & friends")
    page.keyboard.press("n")
    expect(page.locator(".cb-pager-count")).to_have_text("13–24 of 137")


def test_forms_show_mistakes_and_success_without_leaving_the_shell(visit):
    page = visit("form")
    page.evaluate("window.kept = true")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("Give it a name.")).to_be_visible()
    page.locator("#id_name").fill("seats")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.locator("[data-toast]")).to_contain_text("seats was registered.")
    expect(page).to_have_title("Catalog & friends · Callboard")
    assert page.evaluate("window.kept") is True


def test_dangerous_buttons_ask_first(visit):
    page = visit("form")
    page.locator("#id_name").fill("seats")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#confirm")).to_contain_text("Everything about it is removed.")
    page.get_by_role("button", name="Cancel").last.click()
    expect(page.locator("h1")).to_have_text("Register")
    page.get_by_role("button", name="Remove").click()
    page.locator("#confirm [data-confirm-yes]").click()
    expect(page).to_have_title("Catalog & friends · Callboard")


def test_parts_load_later_and_a_broken_one_offers_to_try_again(visit):
    page = visit("entity/payments")
    expect(page.locator("#late")).to_have_text("It came later.")
    page.get_by_text("Broken part").scroll_into_view_if_needed()
    expect(page.get_by_text("This could not be loaded.")).to_be_visible()
    with page.expect_request("**/sample/broken-card"):
        page.get_by_role("button", name="Try again").click()


def test_the_graph_is_drawn_where_a_page_holds_one(visit):
    page = visit("entity/payments")
    page.locator('[data-island="graph"]').scroll_into_view_if_needed()
    expect(page.locator(".cb-graph-canvas canvas").first).to_be_visible()
    page.wait_for_timeout(500)
    picture(page, "graph")


def test_themes_are_chosen_without_a_flash_and_kept(visit, person):
    page = visit("table", theme="dark")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.get_by_label("Your menu, Ada Byron").click()
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Light").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "light"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "light"
    person.refresh_from_db()
    assert person.theme == "light"


def test_the_side_bar_stays_as_it_was_left(visit):
    page = visit("table")
    page.get_by_role("button", name="Collapse the navigation").click()
    page.reload()
    assert page.locator("#side").bounding_box()["width"] < 70


def test_copying_says_so(visit):
    page = visit("entity/payments")
    page.get_by_role("button", name="Copy the ref").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "component:default/payments"


def test_filters_apply_themselves_and_stay_in_the_address(visit):
    page = visit("table")
    page.get_by_label("Filter by name").fill("box")
    expect(page.locator("tbody tr")).to_have_count(12)
    page.get_by_label("Filter by name").fill("box-office-")
    page.wait_for_url("**q=box-office-*")
    expect(page.get_by_label("Filter by name")).to_be_focused()


def test_pages_read_well_without_scripts(visit):
    page = visit("table", script=False, width=390)
    expect(page.locator("h1")).to_have_text("Catalog & friends")
    page.get_by_role("link", name="Show or hide the navigation").click()
    page.get_by_role("link", name="Register").first.click()
    expect(page.locator("h1")).to_have_text("Register")


def test_the_first_page_load_is_small(visit, signed_in):
    page = visit("table")
    settle(page)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(e => new URL(e.name).pathname)")
    sizes = {"page": len(signed_in.get("/sample/table").content)}
    for path in set(loaded):
        answer = signed_in.get(path, headers={"Accept-Encoding": "gzip, br"})
        sizes[path] = int(answer["Content-Length"])
        answer.close()
        if not path.endswith(".svg") or "icons" in path:
            assert answer["Content-Encoding"] == "br", path
        assert "immutable" in answer["Cache-Control"], path
    assert any("icons" in path for path in sizes)
    assert sum(sizes.values()) < 300_000, sizes
