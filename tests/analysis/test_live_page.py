"""The live page in a real Chromium: it follows the store while it is open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from analysis.report.live_page import LivePage, LiveState, RunProgress, make_live_folder
from analysis.report.source import Source
from benchmarks.browser import PATIENCE_S, chromium, programs, resize
from storage.reading.reader import StoreReader
from tests.analysis.browser_log import console_messages, requested

STATE = LiveState(
    "is running: sparsest run <b>six</b>",
    RunProgress(199, 200, "199 of 200 of this run, 7.0/s"),
    [("199", "rows stored")],
    [("six", "199", "200", "99.5%")],
)

in_a_browser = pytest.mark.skipif(
    programs() is None, reason="no chromium or no chromedriver (apt install chromium-driver)"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a page without updates."""
    make_live_folder(tmp_path / "live", "The store <runs/paper>")
    return tmp_path / "live"


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with chromium() as browser:
        yield browser


def wait(browser: WebDriver, condition: str) -> None:
    waiting = WebDriverWait(browser, PATIENCE_S)
    waiting.until(lambda browser: browser.execute_script(f"return {condition}"))


def text(browser: WebDriver, name: str) -> str:
    return browser.find_element(By.ID, name).text


@in_a_browser
def test_page_follows_the_store(browser: WebDriver, folder: Path, report_store: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    page.update(replace(STATE, progress=None, facts=[], studies=[]))
    requested(browser)
    browser.get((folder / "index.html").as_uri())
    wait(browser, "document.getElementById('state').textContent.startsWith('is running')")
    assert "is stored yet" in text(browser, "nothing")
    assert not browser.find_element(By.ID, "progress").is_displayed()
    with StoreReader(report_store) as reader:
        page.plot(Source(reader))
    page.update(STATE)
    wait(browser, "document.getElementById('plot').data?.length === 3")
    # Texts of a store are never markup.
    assert text(browser, "state") == STATE.state
    # Not rounded up to 100 %.
    assert text(browser, "percent") == "99 %"
    assert text(browser, "progress-text") == "199 of 200 of this run, 7.0/s"
    assert text(browser, "studies") == "six 199 200 99.5%"
    Select(browser.find_element(By.ID, "views")).select_by_visible_text("8")
    endless = RunProgress(199, None, "199 of this run, 7.0/s")
    page.update(replace(STATE, progress=endless, facts=[("200", "rows stored")]))
    wait(browser, "document.getElementById('facts').textContent.includes('200')")
    assert browser.find_element(By.ID, "views").get_property("value") == "8"
    assert text(browser, "percent") == ""
    assert browser.find_element(By.ID, "bar").get_property("position") == -1
    page.end()
    wait(browser, "document.getElementById('age').textContent.includes('ended')")
    inside = folder.as_uri()
    assert [address for address in requested(browser) if not address.startswith(inside)] == []
    assert console_messages(browser) == []


@in_a_browser
def test_live_point_opens_its_network(browser: WebDriver, folder: Path, report_store: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    with StoreReader(report_store) as reader:
        page.plot(Source(reader))
    page.update(STATE)
    resize(browser, 380, 900)
    browser.get((folder / "index.html").as_uri())
    wait(browser, "document.getElementById('plot').data?.length === 3")
    page_width = "document.documentElement.clientWidth"
    wait(browser, f"document.documentElement.scrollWidth <= {page_width}")
    browser.execute_script(
        "const plot = document.getElementById('plot');"
        "plot.emit('plotly_click', {points: [{customdata: plot.data[0].customdata[0]}]})"
    )
    wait(browser, "document.getElementById('network').open")
    assert text(browser, "network-command").endswith(" --store runs/paper")
    assert "no drawings" in text(browser, "network-drawing")


@in_a_browser
def test_page_shows_that_it_is_no_longer_updated(browser: WebDriver, folder: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    page.update(STATE)
    script = (folder / "progress.js").read_text()
    (folder / "progress.js").write_text(re.sub(r'"written_ms":\d+', '"written_ms":1000000', script))
    browser.get((folder / "index.html").as_uri())
    wait(browser, "document.getElementById('age').classList.contains('late')")


def test_other_folder_is_not_replaced_by_a_live_page(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="--overwrite"):
        make_live_folder(folder, "again")
    make_live_folder(folder, "again", overwrite=True)
    assert "<title>again</title>" in (folder / "index.html").read_text()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").touch()
    with pytest.raises(FileExistsError, match="thesis"):
        make_live_folder(tmp_path / "thesis", "again", overwrite=True)


def test_script_is_replaced_as_a_whole(folder: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    page.update(STATE)
    before = (folder / "progress.js").open()
    page.update(replace(STATE, state="over"))
    # The file that is being read is unchanged.
    with before:
        assert before.read().endswith("};\n")
    assert '"state":"over"' in (folder / "progress.js").read_text()
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_text_of_the_live_page_is_not_markup(folder: Path) -> None:
    LivePage(folder, "--store </script>", 0.2).update(STATE)
    assert "<b>" not in (folder / "progress.js").read_text()
    assert "<runs/paper>" not in (folder / "index.html").read_text()
