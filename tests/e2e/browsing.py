"""Open pages in Chromium, watch for everything a page complains about, and ask axe-core what it thinks."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RESULTS = ROOT / "test-results"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FAILED_LOAD = re.compile(r"the server responded with a status of (\d+)|Response Status Error Code (\d+)")


def launch(playwright: Playwright) -> Browser:
    """Start Chromium, or say how to get it."""
    path = os.environ.get("CALLBOARD_CHROMIUM", "/usr/bin/chromium")
    assert Path(path).exists(), (
        f"There is no browser at {path}. Install Debian's (apt-get install chromium), "
        "or set CALLBOARD_CHROMIUM to the Chromium or Chrome you have."
    )
    try:
        return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    except Error as error:
        raise AssertionError(
            f"The browser at {path} does not start. Install Debian's (apt-get install chromium), "
            f"or set CALLBOARD_CHROMIUM to one that does.\n{error}"
        ) from error


@dataclass
class Visitor:
    """Opens browser windows for one person and keeps what pages complained about."""

    browser: Browser
    url: str
    state: Any = None
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def expects(self, *statuses: int) -> "Visitor":
        """Allow answers with these statuses; the console of a browser calls them errors."""
        self.expected.update(statuses)
        return self

    def opens(self, path: str = "/", *, anew: bool = False, **options: Any) -> Page:
        """Open a page in a window of its own; ``anew`` without anybody signed in."""
        options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
        context = self.browser.new_context(base_url=self.url, storage_state=None if anew else self.state, **options)
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._heard(page, message.type, message.text))
        page.goto(path)
        return page

    def _heard(self, page: Page, kind: str, text: str) -> None:
        status = FAILED_LOAD.search(text)
        if status and int(status[1] or status[2]) in self.expected:
            return
        if kind == "error" or "Content Security Policy" in text:
            self.complaints.append(f"{page.url}: {text}")

    def photograph(self, name: str) -> None:
        """Keep a picture of every open page."""
        RESULTS.mkdir(exist_ok=True)
        pages = [page for context in self.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=RESULTS / f"{re.sub(r'[^a-zA-Z0-9-]+', '-', name)[:120]}-{number}.png", timeout=5000)

    def leave(self) -> None:
        """Close every window."""
        for context in self.contexts:
            context.close()
        self.contexts.clear()


def sign_in(page: Page, username: str, password: str) -> None:
    """Fill in the form of the sign-in page."""
    page.get_by_label("Username or email address").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def settled(page: Page) -> None:
    """Wait until a page has loaded what it loads later."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(50)


def violations(page: Page) -> list[str]:
    """Answer what axe-core holds against a page as it stands."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.flatMap(v => "
        "v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? v.help}`))"
    )
    return found


def _still(page: Page) -> None:
    """Let the page take its new shape, and bring to their end the transitions that began with it."""
    page.wait_for_timeout(40)
    page.evaluate("document.getAnimations().filter(a => a instanceof CSSTransition).forEach(a => a.finish())")


def accessible(page: Page) -> None:
    """Fail if axe-core finds anything in light or dark, wide or narrow, or if a phone has to scroll sideways."""
    found: dict[str, Any] = {}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            _still(page)
            if bad := violations(page):
                found[f"{theme} at {width} px"] = bad
    page.set_viewport_size({"width": 360, "height": 780})
    _still(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > 360:
        found["scrolls sideways at 360 px"] = page.evaluate(
            "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361)"
            ".slice(0, 8).map(e => e.tagName + '.' + e.className)"
        )
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")
    assert not found, f"{page.url}\n{json.dumps(found, indent=1)}"


def well_formed(page: Page) -> None:
    """Fail if a page has no title or not exactly one heading of the first level."""
    assert re.search(r"\S", page.title()), page.url
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("h1")).not_to_have_text("")


@contextmanager
def stays(page: Page) -> Iterator[None]:
    """Fail if the page was loaded anew instead of being changed in place."""
    page.evaluate("window.kept = true")
    yield
    assert page.evaluate("window.kept === true"), f"{page.url} was loaded anew"
