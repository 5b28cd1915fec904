#!/usr/bin/env python3
"""Photograph a running demo portal for the documentation, light and dark, on a desk and on a phone.

    callboard up --demo                                      in one terminal
    callboard user create --administrator photographer       once; then, with the password in PORTAL_PASSWORD:
    python scripts/screenshots.py --user photographer

Needs Playwright and a Chromium (`--browser`). With Pillow the pictures become a third of the size.
"""

from __future__ import annotations

import argparse
import io
import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LIMIT = 250_000
ENTITY = "/catalog/default/component/order-service"

GUEST_PAGES = {
    "home": "/",
    "catalog": "/catalog",
    "entity": ENTITY,
    "graph": f"{ENTITY}/relations",
    "ingestion": "/catalog/ingestion",
    "explorer": "/catalog/explore?root=component:default/order-service",
    "search": "/search?query=refund",
    "create": "/create",
    "docs": "/docs/default/component/footlights-ui/",
}
ADMINISTRATOR_PAGES = {
    "register": "/catalog/register",
    "plugins": "/admin/plugins",
    "jobs": "/admin/jobs?hidden=on",
    "access": "/admin/access",
    "sources": "/sources/-/new",
}


def main() -> None:
    """Sign in, visit, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:7007")
    parser.add_argument("--user", default="", help="administrator; without one the pages for guests alone are taken")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    options = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=FLAGS)
        for scheme in ("light", "dark"):
            visit(browser, options.url, scheme, GUEST_PAGES, DESK)
            if options.user:
                visit(browser, options.url, scheme, ADMINISTRATOR_PAGES, DESK, options.user)
        visit(browser, options.url, "light", {"phone": ENTITY}, PHONE)
        browser.close()


def visit(browser: Browser, url: str, scheme: Any, pages: dict[str, str], size: Any, user: str = "") -> None:
    """Take the pages in one appearance, signed in as ``user`` or as a guest."""
    context = browser.new_context(base_url=url, color_scheme=scheme, viewport=size, reduced_motion="reduce")
    page = context.new_page()
    sign_in(page, user)
    for name, path in pages.items():
        answer = page.goto(path, wait_until="networkidle")
        if answer is None or answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status if answer else 'nothing'}: is the demo loaded?")
        page.wait_for_timeout(1200)  # cards and the graph come after the page
        file = IMAGES / f"{name}-{scheme}.png"
        file.write_bytes(smaller(page.screenshot()))
        print(f"{file.relative_to(IMAGES.parent.parent)}  {file.stat().st_size // 1000} kB")  # noqa: T201
    context.close()


def sign_in(page: Page, user: str) -> None:
    """Get in through the door that people use."""
    page.goto("/sign-in")
    if not user:
        page.get_by_role("button", name="Look around as a guest").click()
    else:
        page.get_by_label("Username or email address").fill(user)
        page.get_by_label("Password").fill(os.environ["PORTAL_PASSWORD"])
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda address: "/sign-in" not in address)


def smaller(picture: bytes) -> bytes:
    """Reduce a picture to 256 colours where Pillow is installed, and refuse one that is too large to keep."""
    try:
        from PIL import Image  # noqa: PLC0415 - optional
    except ImportError:
        return picture
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    if out.tell() > LIMIT:
        raise SystemExit(f"a picture of {out.tell() // 1000} kB is too large for the repository")
    return out.getvalue()


if __name__ == "__main__":
    main()
