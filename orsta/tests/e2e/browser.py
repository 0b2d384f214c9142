"""Chromium as a person uses it: a page that remembers what went wrong on it."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from orsta.tests.e2e.client import SECONDS

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium; Playwright's own download is never needed."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.fail("These tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def window(
    browser: Browser, url: str, *, login: str = "", refused_path: str = "", **options: Any
) -> Iterator[Page]:
    """Open a private window; on closing, nothing may have gone wrong on its pages.

    :param login: the cookie of a login that was made elsewhere.
    :param refused_path: what the page asks for and shall be refused.
    """
    context = browser.new_context(base_url=url, **{"viewport": DESK, **options})
    if login:
        context.add_cookies([{"name": "orsta_session", "value": login, "url": url}])
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    troubles: list[str] = []
    foreign: list[str] = []

    def hear(message: Any) -> None:
        # A page that is refused (402, 404) is an error to Chromium, and no trouble of ours.
        refused = message.location.get("url") in {page.url, url + refused_path}
        if message.type in {"error", "warning"} and not refused:
            troubles.append(message.text)

    def see(request: Any) -> None:
        if not request.url.startswith((url, "data:")):
            foreign.append(request.url)

    page.on("console", hear)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", see)
    yield page
    context.close()
    assert troubles == []
    assert foreign == []


def code_on_screen(page: Page) -> str:
    """Return what the QR code says that a camera in front of the screen would see."""
    picture = Image.open(io.BytesIO(page.locator("[data-qr]").screenshot()))
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return found[0].text if found else ""


def scrolls_sideways(page: Page) -> bool:
    """Say whether the page is wider than its window."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wide


def tab_to(page: Page, name: str, *, presses: int = 60) -> None:
    """Press Tab until the element of this accessible name has the focus."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const e = document.activeElement;
                return e.getAttribute("aria-label") || e.labels?.[0]?.innerText
                    || e.innerText || "";
            }"""
        )
        if focused.strip().startswith(name):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    pytest.fail(f"Tab does not reach {name!r}")
