"""A real Chromium without a window, for tests and pictures of the report."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE_S = 60
"""A busy machine makes a page slow, never wrong."""

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def programs() -> tuple[str, str] | None:
    """Paths of Chromium and of its driver; None where one of them is not installed."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


@contextmanager
def chromium(width: int = 1200, height: int = 900, *, dark: bool = False) -> Iterator[WebDriver]:
    """A browser with a fresh profile, closed at the end.

    Args:
        width: of the page, in pixels.
        height: likewise.
        dark: what the system asks pages for.

    Raises:
        FileNotFoundError: Chromium or its driver is not installed.
    """
    found = programs()
    if found is None:
        raise FileNotFoundError("there is no chromium, or no chromedriver, on the path")
    binary, driver = found
    with tempfile.TemporaryDirectory(prefix="chromium-") as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = binary
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        browser = webdriver.Chrome(options=options, service=Service(driver))
        try:
            resize(browser, width, height)
            if dark:
                features = [{"name": "prefers-color-scheme", "value": "dark"}]
                browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            yield browser
        finally:
            browser.quit()


def resize(browser: WebDriver, width: int, height: int) -> None:
    """Gives the page another size; a window cannot be as narrow as a telephone."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def open_report(browser: WebDriver, folder: Path) -> int:
    """Opens a report as a file; returns the milliseconds until its first plot was there."""
    browser.get((folder.absolute() / "index.html").as_uri())
    shown = "return Number(document.documentElement.dataset.firstPlotMs || 0)"
    milliseconds: int = WebDriverWait(browser, PATIENCE_S).until(
        lambda browser: browser.execute_script(shown)
    )
    return milliseconds


def requested(browser: WebDriver) -> list[str]:
    """Addresses that the page has asked for since the last call, inline data left out."""
    messages = [
        json.loads(entry["message"])["message"] for entry in _logged(browser, "performance")
    ]
    addresses = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [address for address in addresses if not address.startswith("data:")]


def complaints(browser: WebDriver) -> list[str]:
    """What the page has written to the console since the last call."""
    return [entry["message"] for entry in _logged(browser, "browser")]


def _logged(browser: WebDriver, kind: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries
