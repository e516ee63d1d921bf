"""The system's Chromium without a screen and without a network, to look at report pages."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LAPTOP = (1366, 768)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser of playwright's. Raises ImportError without playwright, FileNotFoundError without Chromium."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        raise FileNotFoundError(f"{CHROMIUM} is not there: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(_ARGUMENTS))
        yield browser
        browser.close()


def open_page(browser: Any, file: Path, *, scheme: str = "light") -> Any:
    """A page of playwright's that shows `file`, everything drawn, offline. scheme: light or dark.

    What the page complains about is in its attribute `complaints`.
    """
    width, height = LAPTOP
    context = browser.new_context(
        viewport={"width": width, "height": height}, offline=True, color_scheme=scheme, accept_downloads=True
    )
    page = context.new_page()
    page.complaints = complaints = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
    page.goto(file.resolve().as_uri())
    page.wait_for_selector("html[data-drawn=all]", timeout=60_000)
    return page
