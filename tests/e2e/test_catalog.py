"""Finding things: the table with its filters, the page of an entity, the palette, the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import stays

pytestmark = pytest.mark.e2e


def rows(page):
    return page.locator("tbody tr[data-row]")


def names(page):
    return page.locator("tbody th .cat-link span").all_inner_texts()


def test_the_table_is_narrowed_sorted_and_shared(administrator):
    page = administrator.opens("/catalog")
    with stays(page):
        page.get_by_role("navigation", name="Kinds").get_by_role("link", name=re.compile("^APIs")).click()
        expect(page.locator("h1")).to_contain_text("APIs")
        page.get_by_role("group", name="Filters").get_by_label(re.compile("^openapi")).check()
        page.wait_for_url(re.compile(r"filters\[type\]=openapi|filters%5Btype%5D=openapi"))
        number = int(
            page.get_by_role("group", name="Filters")
            .locator("label", has_text="openapi")
            .locator(".cb-count")
            .inner_text()
        )
        expect(rows(page)).to_have_count(number)
        page.get_by_label("Filter by name, title or description").press_sequentially("e")
        page.wait_for_url("**text=e*")
        expect(page.get_by_label("Filter by name, title or description")).to_be_focused()
        page.get_by_role("columnheader", name="Name").get_by_role("link").click()
        expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "descending")
    shown = names(page)
    assert shown == sorted(shown, key=str.lower, reverse=True)
    assert len(shown) > 1
    again = administrator.opens(page.url.removeprefix(administrator.url))
    assert names(again) == shown
    page.go_back()
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")


@pytest.mark.parametrize(
    ("kind", "facet", "label"),
    [("component", "owner", "Stage Door"), ("component", "lifecycle", "experimental"), ("component", "tag", None)],
)
def test_every_filter_gives_as_many_rows_as_it_promised(administrator, kind, facet, label):
    page = administrator.opens(f"/catalog?kind={kind}&size=100")
    box = page.locator(f'label:has(input[name="filters[{facet}]"])')
    box = box.filter(has_text=label).first if label else box.first
    promised = int(box.locator(".cb-count").inner_text())
    box.locator("input").check()
    page.wait_for_url(re.compile(facet))
    expect(rows(page)).to_have_count(promised)
    page.get_by_role("link", name=re.compile("Clear the filter")).click()
    expect(rows(page)).not_to_have_count(promised)


def test_paging_goes_on_and_back_with_mouse_keys_and_history(administrator):
    page = administrator.opens("/catalog?kind=all")
    first = names(page)
    page.locator("a[rel=next]").click()
    page.wait_for_url("**page=2*")
    second = names(page)
    assert not set(first) & set(second) or first != second
    page.keyboard.press("n")
    page.wait_for_url("**page=3*")
    page.keyboard.press("p")
    page.wait_for_url("**page=2*")
    page.go_back()
    page.wait_for_url("**page=3*")
    page.go_back()
    page.go_back()
    expect(page.locator("tbody th .cat-link span").first).to_have_text(first[0])
    page.get_by_role("link", name="100", exact=True).click()
    expect(rows(page)).to_have_count(100)


def test_a_table_without_rows_offers_ways_on(administrator):
    page = administrator.opens("/catalog?kind=component&text=no-such-thing&filters[lifecycle]=production")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("link", name=re.compile("Drop the text")).click()
    expect(rows(page).first).to_be_visible()
    assert "no-such-thing" not in page.url


def test_a_star_brings_an_entity_to_the_first_page(administrator):
    page = administrator.opens("/catalog?kind=component&text=care-desk")
    page.get_by_role("button", name=re.compile("^Star ")).click()
    expect(page.get_by_role("button", name=re.compile("^Take the star from"))).to_be_visible()
    page.goto("/")
    starred = page.locator("section", has=page.get_by_role("heading", name="Starred"))
    starred.get_by_role("link", name="Care desk").click()
    expect(page.locator("h1")).to_contain_text("Care desk")
    page.get_by_role("button", name=re.compile("^Take the star from")).click()
    expect(page.get_by_role("button", name=re.compile("^Star "))).to_be_visible()
    page.goto("/catalog?kind=component&user=starred")
    expect(rows(page)).to_have_count(0)


def test_the_page_of_an_entity_leads_through_its_tabs_and_relations(administrator):
    page = administrator.opens("/catalog/default/component/box-office-service")
    tabs = page.locator(".cb-header .nav")
    with stays(page):
        expect(page.locator(".cat-main")).to_contain_text("production")
        tabs.get_by_role("link", name="Relations").click()
        expect(page.get_by_role("table")).to_contain_text("Stage Door")
        expect(page.locator(".cb-graph-canvas canvas").first).to_be_visible()
        page.get_by_role("link", name="2 steps").click()
        page.wait_for_url("**depth=2")
        tabs.get_by_role("link", name="Source").click()
        expect(page.locator(".cat-code")).to_contain_text("apiVersion: backstage.io/v1alpha1")
        page.get_by_role("link", name="JSON", exact=True).click()
        expect(page.locator(".cat-code")).to_contain_text('"relations"')
        tabs.get_by_role("link", name="History").click()
        expect(page.get_by_text("States")).to_be_visible()
        tabs.get_by_role("link", name="Relations").click()
        page.get_by_role("table").get_by_role("link", name="Stage Door").first.click()
        expect(page.locator("h1")).to_contain_text("Stage Door")
        expect(page.get_by_text("Members").first).to_be_visible()
    page.go_back()
    expect(page.locator("h1")).to_contain_text("Box office")


def test_the_definition_of_an_api_is_shown(administrator):
    page = administrator.opens("/catalog/default/api/events")
    page.locator(".cb-header .nav").get_by_role("link", name="Definition").click()
    expect(page.locator("#page")).to_contain_text("openapi")


def test_an_entity_that_does_not_exist_says_what_is_similar(administrator):
    page = administrator.expects(404).opens("/catalog/default/component/box-ofice-service")
    expect(page.locator("h1")).to_contain_text("is not in the catalog")
    similar = page.locator("section", has=page.get_by_role("heading", name="Did you mean"))
    similar.locator('a[href="/catalog/default/component/box-office-service"]').click()
    expect(page.locator("h1")).to_contain_text("Box office")


def test_an_address_that_leads_nowhere_offers_a_way_back(administrator):
    page = administrator.expects(404).opens("/no/such/page")
    expect(page.locator(".cb-error-status")).to_have_text("404")
    page.get_by_role("link", name="Go to the first page").click()
    expect(page.locator("h1")).to_contain_text("Rita")


def test_the_palette_lands_on_an_entity_with_the_keyboard_alone(administrator):
    page = administrator.opens("/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-input")).to_be_focused()
    page.keyboard.type("box off")
    wanted = page.get_by_role("option", name=re.compile("Box office desk"))
    expect(wanted).to_be_visible()
    for _ in range(10):
        if wanted.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Box office desk")
    expect(page.locator("#palette")).to_be_hidden()


def test_the_palette_opens_what_was_typed_however_quickly(administrator):
    page = administrator.opens("/")
    page.keyboard.press("/")
    page.keyboard.type("marionette")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/dummy\?from=palette$"))
    expect(page.locator("h1")).to_have_text("Dummy page")


def test_the_keys_do_what_the_help_sheet_says(administrator):
    page = administrator.opens("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Catalog")
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.locator("h1")).to_contain_text("Components")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.locator("h1")).to_have_text("Ingestion")


def test_a_filter_is_set_and_an_entity_opened_with_the_keyboard_alone(administrator):
    page = administrator.opens("/catalog?kind=component")
    page.locator("#catalog-text").focus()
    page.keyboard.type("box-office-desk")
    expect(rows(page)).to_have_count(1)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('tbody th a')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Box office desk")
    assert page.evaluate("document.activeElement.id") == "main"
