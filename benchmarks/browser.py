"""Headless Chromium, for tests and screenshots of the report."""

from __future__ import annotations

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
"""Timeout for a page to show its first plot, in seconds; generous for busy machines."""

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
    """Return the paths of Chromium and its driver; None if either is not installed."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


@contextmanager
def chromium(width: int = 1200, height: int = 900, *, dark: bool = False) -> Iterator[WebDriver]:
    """Open a browser with a fresh profile; close it on exit.

    Sizes are those of the page in pixels; `dark`: the system prefers a dark colour scheme.

    Raises:
        FileNotFoundError: Chromium or its driver is not installed.
    """
    found = programs()
    if found is None:
        raise FileNotFoundError("chromium or chromedriver is not on the PATH")
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
    """Set the page's size; unlike a window, it can be as narrow as a phone."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def open_report(browser: WebDriver, folder: Path) -> int:
    """Open a report from its file; return the milliseconds until its first plot appeared."""
    browser.get((folder.absolute() / "index.html").as_uri())
    shown = "return Number(document.documentElement.dataset.firstPlotMs || 0)"
    milliseconds: int = WebDriverWait(browser, PATIENCE_S).until(
        lambda browser: browser.execute_script(shown)
    )
    return milliseconds
