"""The log of a headless browser: what a page has requested and written to its console."""

from __future__ import annotations

import json

from selenium.webdriver.chrome.webdriver import WebDriver


def requested(browser: WebDriver) -> list[str]:
    """Return the addresses that the page has requested since the last call.

    Data URLs and the browser's own pages are left out.
    """
    messages = [
        json.loads(entry["message"])["message"] for entry in _logged(browser, "performance")
    ]
    addresses = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [address for address in addresses if not address.startswith(("data:", "chrome:"))]


def console_messages(browser: WebDriver) -> list[str]:
    """Return the page's console messages since the last call."""
    return [entry["message"] for entry in _logged(browser, "browser")]


def _logged(browser: WebDriver, kind: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries
