"""Open pages in Chromium, watch for everything a page complains about, and ask axe-core what it thinks."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
        if urlsplit(page.url).port not in {urlsplit(self.url).port, None}:
            return  # a page of somebody else, such as an identity provider
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
    expect(page.locator(".htmx-request, [data-part] .cb-skeleton")).to_have_count(0)
    drawings = page.locator("[data-island=graph]").count()
    expect(page.locator("[data-island=graph]:has(canvas)")).to_have_count(drawings)


def violations(page: Page, *rules: str) -> list[str]:
    """Answer what axe-core holds against a page as it stands; of some rules only, if any are named."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(
        "async rules => (await axe.run(document, {resultTypes: ['violations'], preload: false, ...(rules.length && {runOnly: rules})}))"
        ".violations.flatMap(v => v.nodes.map(n => "
        "`${v.id}: ${n.target.join(' ')}: ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? v.help}`))",
        list(rules),
    )
    return found


def _still(page: Page) -> None:
    """Let the page take its new shape at once: a colour in the middle of its change is nobody's choice."""
    page.evaluate(
        """async () => {
          if (!window.still) {
            window.still = new CSSStyleSheet();
            window.still.replaceSync('*, ::before, ::after { transition: none !important; animation: none !important }');
            document.adoptedStyleSheets.push(window.still);
          }
          for (let turn = 0; turn < 2; turn++) await new Promise(done => requestAnimationFrame(done));
        }"""
    )


def accessible(page: Page) -> None:
    """Fail if axe-core finds anything in light or dark, wide or narrow, or if a phone has to scroll sideways.

    Structure does not depend on colours, so every shape is looked at in full once, and its colours in both themes.
    """
    colours = ("color-contrast", "link-in-text-block")
    found: dict[str, Any] = {}
    _still(page)
    for theme, width, rules in (
        ("light", 1440, ()),
        ("dark", 1440, colours),
        ("dark", 390, ()),
        ("light", 390, colours),
    ):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        _still(page)
        if bad := violations(page, *rules):
            found[f"{theme} at {width} px"] = bad
    page.set_viewport_size({"width": 360, "height": 780})
    if sideways := _sideways(page):
        found["scrolls sideways at 360 px"] = sideways
    page.set_viewport_size({"width": 1440, "height": 900})
    assert not found, f"{page.url}\n{json.dumps(found, indent=1)}"


def _sideways(page: Page) -> list[str]:
    """Answer what is wider than the window, if one can scroll there; drawings follow its size a moment later."""
    for _ in range(20):
        _still(page)
        if page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            return []
        page.wait_for_timeout(50)
    wide: list[str] = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".slice(0, 8).map(e => e.tagName + '.' + e.className)"
    )
    return wide or ["something that cannot be told"]


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
