"""One portal, one browser and one signed-in administrator for all tests of this directory."""

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.browsing import Visitor, launch, sign_in
from tests.e2e.portal import ADMINISTRATOR, PASSWORD, running_portal


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed:
        for visitor in item.funcargs.values():
            if isinstance(visitor, Visitor):
                visitor.photograph(item.name)
    return report


# Of the package, not of the session: while Playwright runs, Django takes the thread for an asynchronous one.
@pytest.fixture(scope="package")
def browser():
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="package")
def portal(browser):
    with running_portal() as running:
        yield running


@pytest.fixture(scope="package")
def administrator_state(browser, portal):
    """The cookies of an administrator who signed in once."""
    context = browser.new_context(base_url=portal.url)
    page = context.new_page()
    page.goto("/sign-in")
    sign_in(page, ADMINISTRATOR, PASSWORD)
    page.wait_for_url(f"{portal.url}/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="package")
def guest_state(browser, portal):
    """The cookies of somebody who looks around."""
    context = browser.new_context(base_url=portal.url)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_role("button", name="Look around as a guest").click()
    page.wait_for_url(f"{portal.url}/")
    state = context.storage_state()
    context.close()
    return state


def _visitor(browser, portal, state):
    visitor = Visitor(browser, portal.url, state)
    yield visitor
    visitor.leave()
    assert not visitor.complaints, "\n".join(visitor.complaints)


@pytest.fixture
def administrator(browser, portal, administrator_state):
    yield from _visitor(browser, portal, administrator_state)


@pytest.fixture
def guest(browser, portal, guest_state):
    yield from _visitor(browser, portal, guest_state)


@pytest.fixture
def nobody(browser, portal):
    yield from _visitor(browser, portal, None)
