"""The relations explorer: draw, find, pick, go on from there, take it away, and the same without a mouse."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

ORDERS = "component:default/order-service"


def drawn(page):
    expect(page.locator("[data-island=explorer] canvas").first).to_be_visible()
    expect(page.locator("[data-explorer=notice]")).not_to_have_text("Drawing…")
    return page.locator("[data-explorer=notice]")


def test_a_person_draws_everything_then_starts_from_one_entity(guest):
    page = guest.opens("/")
    page.get_by_role("link", name="Explore", exact=True).click()
    expect(drawn(page)).to_have_text(re.compile(r"^\d+ entities$"))
    find = page.get_by_label("Find in the drawing")
    find.fill("order-service")
    find.press("Enter")
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    page.get_by_role("link", name="Start here").click()
    page.wait_for_url(re.compile("root="))
    drawn(page)
    page.get_by_label("How far").select_option("1")
    page.wait_for_url(re.compile("depth=1"))
    expect(drawn(page)).to_have_text(re.compile(r"^\d+ entities$"))


def test_a_drawing_is_taken_away_as_svg_and_png(guest):
    page = guest.opens(f"/catalog/explore?root={ORDERS}&depth=1")
    drawn(page)
    with page.expect_download() as svg:
        page.get_by_role("button", name="SVG").click()
    text = svg.value.path().read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert ">Orders</text>" in text
    with page.expect_download() as png:
        page.get_by_role("button", name="PNG").click()
    assert png.value.path().read_bytes().startswith(b"\x89PNG")


def test_the_table_serves_the_keyboard(guest):
    page = guest.opens(f"/catalog/explore?root={ORDERS}&depth=1")
    drawn(page)
    table = page.get_by_role("link", name="Table", exact=True)
    table.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Relation")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Orders.*Part of.*Orders & tickets")).first).to_be_visible()
