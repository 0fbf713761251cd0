"""The live page, in a real Chromium: what it shows changes while it is looked at."""

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
from analysis.report.one_dataset import OneDataset
from benchmarks.browser import PATIENCE_S, chromium, complaints, programs, requested, resize
from storage.reading.reader import StoreReader

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
    """Of a page to which nothing was told yet."""
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
def test_page_stays_as_it_was_opened(browser: WebDriver, folder: Path, report_store: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    page.tell(replace(STATE, progress=None, facts=[], studies=[]))
    requested(browser)
    browser.get((folder / "index.html").as_uri())
    wait(browser, "document.getElementById('state').textContent.startsWith('is running')")
    assert "is stored yet" in text(browser, "nothing")
    assert not browser.find_element(By.ID, "progress").is_displayed()
    with StoreReader(report_store) as reader:
        page.plot(OneDataset(reader))
    page.tell(STATE)
    wait(browser, "document.getElementById('plot').data?.length === 3")
    # What a store says is text, whatever it looks like.
    assert text(browser, "state") == STATE.state
    # 199 of 200 are not all.
    assert text(browser, "percent") == "99 %"
    assert text(browser, "pace") == "199 of 200 of this run, 7.0/s"
    assert text(browser, "studies") == "six 199 200 99.5%"
    Select(browser.find_element(By.ID, "views")).select_by_visible_text("8")
    page.tell(replace(STATE, facts=[("200", "rows stored")]))
    wait(browser, "document.getElementById('facts').textContent.includes('200')")
    assert browser.find_element(By.ID, "views").get_property("value") == "8"
    page.end()
    wait(browser, "document.getElementById('news').textContent.includes('was ended')")
    inside = folder.as_uri()
    assert [address for address in requested(browser) if not address.startswith(inside)] == []
    assert complaints(browser) == []


@in_a_browser
def test_live_point_opens_no_network(browser: WebDriver, folder: Path, report_store: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    with StoreReader(report_store) as reader:
        page.plot(OneDataset(reader))
    page.tell(STATE)
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
    assert "numbers only" in text(browser, "network-drawing")


@in_a_browser
def test_page_that_is_no_longer_written_looks_alive(browser: WebDriver, folder: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    page.tell(STATE)
    script = (folder / "progress.js").read_text()
    (folder / "progress.js").write_text(re.sub(r'"told_ms":\d+', '"told_ms":1000000', script))
    browser.get((folder / "index.html").as_uri())
    wait(browser, "document.getElementById('news').textContent.startsWith('No news since')")


def test_other_folder_becomes_a_live_page(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="--overwrite"):
        make_live_folder(folder, "again")
    make_live_folder(folder, "again", overwrite=True)
    assert "<title>again</title>" in (folder / "index.html").read_text()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").touch()
    with pytest.raises(FileExistsError, match="is no report"):
        make_live_folder(tmp_path / "thesis", "again", overwrite=True)


def test_script_is_half_written_while_it_is_loaded(folder: Path) -> None:
    page = LivePage(folder, "--store runs/paper", 0.2)
    page.tell(STATE)
    before = (folder / "progress.js").open()
    page.tell(replace(STATE, state="over"))
    # Another file took the place of the one that is being read.
    with before:
        assert before.read().endswith("};\n")
    assert '"state":"over"' in (folder / "progress.js").read_text()
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_text_of_the_live_page_is_taken_for_markup(folder: Path) -> None:
    LivePage(folder, "--store </script>", 0.2).tell(STATE)
    assert "<b>" not in (folder / "progress.js").read_text()
    assert "<runs/paper>" not in (folder / "index.html").read_text()
