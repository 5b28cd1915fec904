"""The table as people make it theirs: columns, views, picking with the keyboard, taking it away."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e


def test_rows_are_picked_with_the_keyboard_and_taken_away(administrator):
    page = administrator.opens("/catalog")
    expect(page.locator("form.is-mounted")).to_be_visible()
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.get_by_text("Picked entities: 2")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("group", name="What is picked").get_by_role("button", name="CSV").click()
    assert len(download.value.path().read_text(encoding="utf-8").splitlines()) == 3


def test_columns_are_chosen_and_the_table_is_kept_as_a_view(administrator):
    page = administrator.opens("/catalog?kind=api")
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Reference").check()
    page.wait_for_url(re.compile("columns="))
    expect(page.get_by_role("columnheader", name="Reference")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("summary", has_text="Views").click()
    page.get_by_label("Save what you see as").fill("APIs by reference")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("is saved")).to_be_visible()
    page.goto("/catalog?kind=api")
    page.locator("summary", has_text="Views").click()
    page.get_by_role("link", name="APIs by reference").click()
    expect(page.get_by_role("columnheader", name="Reference")).to_be_visible()
    page.locator("summary", has_text="Views").click()
    page.get_by_role("button", name="Remove the view APIs by reference").click()
    expect(page.get_by_text("is removed")).to_be_visible()


def test_what_is_filtered_is_what_is_exported(guest):
    page = guest.opens("/catalog")
    page.get_by_label("Filter by name, title or description").fill("box")
    page.wait_for_url("**text=box*")
    number = page.locator("tbody tr[data-row]").count()
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert len(download.value.path().read_text(encoding="utf-8").splitlines()) == number + 1
