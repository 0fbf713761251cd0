"""The report in a real Chromium: clicks, keys, colours, and a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from analysis.report.build import Built
from benchmarks.browser import PATIENCE_S, chromium, open_report, programs, resize
from tests.analysis.browser_log import console_messages, requested

pytestmark = pytest.mark.skipif(
    programs() is None, reason="no chromium or no chromedriver (apt install chromium-driver)"
)


@pytest.fixture(scope="module")
def started() -> Iterator[WebDriver]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(started: WebDriver, report: tuple[Path, Built, list[str]]) -> Iterator[WebDriver]:
    """Open the report; the browser must not log errors, whatever the test does."""
    resize(started, 1200, 900)
    started.get("about:blank")
    requested(started)
    console_messages(started)
    open_report(started, report[0])
    started.execute_script("localStorage.clear()")
    yield started
    assert console_messages(started) == []


def find(page: WebDriver, css: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, css)


def wait(page: WebDriver, condition: str) -> None:
    WebDriverWait(page, PATIENCE_S).until(lambda page: page.execute_script(f"return {condition}"))


def open_tab(page: WebDriver, name: str) -> None:
    find(page, f"#tab-{name}").click()
    wait(page, f"!document.getElementById('{name}').hidden")
    wait(
        page,
        f"[...document.querySelectorAll('#{name} .plot')].every(p => p.querySelector('.main-svg'))",
    )


def drawn(page: WebDriver, chart: str) -> Any:
    return page.execute_script(
        "return document.getElementById(arguments[0]).data.map(t => [t.name, t.x, t.y])",
        f"plot-{chart}",
    )


def test_page_loads_only_files_of_its_folder(
    page: WebDriver, report: tuple[Path, Built, list[str]]
) -> None:
    inside = report[0].absolute().as_uri()
    asked = requested(page)
    assert len(asked) >= 4
    assert [address for address in asked if not address.startswith(inside)] == []


def test_tab_shows_its_section_with_plots(page: WebDriver) -> None:
    tabs = [
        tab.get_attribute("aria-controls")
        for tab in page.find_elements(By.CSS_SELECTOR, "[role=tab]")
    ]
    assert len(tabs) == 11
    for name in tabs:
        assert name is not None
        open_tab(page, name)
        shown = page.find_elements(By.CSS_SELECTOR, "[role=tabpanel]:not([hidden])")
        assert [panel.get_attribute("id") for panel in shown] == [name]
        assert find(page, f"#tab-{name}").get_attribute("aria-selected") == "true"


def test_tabs_can_be_reached_by_keys(page: WebDriver) -> None:
    find(page, "#tab-frontier").send_keys(Keys.ARROW_RIGHT)
    assert find(page, "#needed").is_displayed()
    page.switch_to.active_element.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert find(page, "#rows").is_displayed()


def test_choice_changes_the_plot(page: WebDriver) -> None:
    before = drawn(page, "accuracy-front")
    Select(find(page, "select[data-chart=accuracy-front]")).select_by_visible_text("8")
    wait(page, "document.getElementById('plot-accuracy-front').data.length > 0")
    after = drawn(page, "accuracy-front")
    assert after != before
    assert {name for name, _, _ in after} <= {"search", "GMP", "SNIP"}


def test_click_on_a_point_opens_its_drawing(page: WebDriver) -> None:
    open_tab(page, "needed")
    # The point is below the surface on which plotly receives clicks.
    point = find(page, "#plot-weights-needed .points path")
    ActionChains(page).move_to_element(point).perform()
    wait(page, "document.querySelector('#plot-weights-needed .hovertext') !== null")
    ActionChains(page).click().perform()
    wait(page, "document.getElementById('network').open")
    wait(page, "document.querySelector('#network img')?.naturalWidth > 100")
    assert find(page, "#network-facts").text.count("\n") > 5
    assert "accuracy" in (find(page, "#network img").get_attribute("alt") or "")
    assert find(page, "#network-command").text.startswith("sparsest show ")
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait(page, "!document.getElementById('network').open")


def test_plot_cannot_be_sent_to_a_server(page: WebDriver) -> None:
    buttons = page.find_elements(By.CSS_SELECTOR, "#plot-accuracy-front .modebar-btn")
    titles = [button.get_attribute("data-title") for button in buttons]
    assert len(titles) == 3
    assert not any("cloud" in (title or "").lower() for title in titles), titles


def test_point_of_a_mean_opens_the_best_network(page: WebDriver) -> None:
    open_tab(page, "width")
    find(page, "#width details.networks summary").click()
    find(page, "#width details.networks button").click()
    wait(page, "document.getElementById('network').open")
    assert "best of them" in find(page, "#network-note").text
    assert find(page, "#network-title").text.startswith("GMP, from width 8")


def test_network_can_be_opened_by_keys(page: WebDriver) -> None:
    open_tab(page, "needed")
    find(page, "#needed details.networks summary").send_keys(Keys.ENTER)
    find(page, "#needed details.networks button").send_keys(Keys.ENTER)
    wait(page, "document.getElementById('network').open")
    find(page, "#close").click()
    wait(page, "!document.getElementById('network').open")


def test_network_without_drawing_gives_the_reason(page: WebDriver) -> None:
    number = page.execute_script("return REPORT.networks.findIndex(n => n.file === null)")
    if number < 0:
        pytest.skip("every network of this store is drawn on this processor")
    find(page, "#frontier details.networks summary").click()
    place = page.execute_script(
        "return document.getElementById('plot-accuracy-front').data"
        ".flatMap(t => t.customdata.map(([n]) => n)).indexOf(arguments[0])",
        number,
    )
    page.find_elements(By.CSS_SELECTOR, "#frontier details.networks button")[place].click()
    wait(page, "document.getElementById('network').open")
    assert find(page, "#network-drawing").text.startswith("Not drawn: ")


def colours(page: WebDriver) -> Any:
    return page.execute_script(
        "return [getComputedStyle(document.body).backgroundColor,"
        " document.getElementById('plot-accuracy-front').data[0].line.color]"
    )


def test_button_switches_page_and_plots_to_dark(page: WebDriver) -> None:
    assert colours(page) == ["rgb(255, 255, 255)", "#000000"]
    find(page, "#theme").click()
    wait(page, "document.getElementById('plot-accuracy-front').data[0].line.color === '#ffffff'")
    assert colours(page)[0] == "rgb(20, 24, 29)"
    assert find(page, "#theme").text == "Light"


def test_dark_theme_of_the_system_is_used(report: tuple[Path, Built, list[str]]) -> None:
    with chromium(dark=True) as browser:
        open_report(browser, report[0])
        assert colours(browser) == ["rgb(20, 24, 29)", "#ffffff"]


def test_download_is_the_shown_view_in_light_colours(page: WebDriver) -> None:
    Select(find(page, "select[data-chart=accuracy-front]")).select_by_visible_text("8")
    find(page, "#theme").click()
    page.execute_script(
        "Plotly.downloadImage = (figure, options) => { window.downloaded = [figure, options]; }"
    )
    button = "#frontier button[data-chart=accuracy-front]"
    find(page, f"{button}[data-format=svg]").click()
    figure, options = page.execute_script("return window.downloaded")
    assert options["filename"] == "accuracy-front-8"
    shown = drawn(page, "accuracy-front")
    assert [[trace["name"], trace["x"], trace["y"]] for trace in figure["data"]] == shown
    assert figure["data"][0]["line"]["color"] == "#000000"
    assert figure["layout"]["paper_bgcolor"] == "#ffffff"
    find(page, f"{button}[data-format=png]").click()
    _, options = page.execute_script("return window.downloaded")
    assert options["width"] * options["scale"] >= 3000


def test_dark_theme_is_printed_in_light_colours(page: WebDriver) -> None:
    find(page, "#theme").click()
    assert colours(page)[1] == "#ffffff"
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    wait(page, "document.getElementById('plot-accuracy-front').data[0].line.color === '#000000'")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert colours(page)[0] == "rgb(255, 255, 255)"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.execute_script("window.dispatchEvent(new Event('afterprint'))")
    wait(page, "document.getElementById('plot-accuracy-front').data[0].line.color === '#ffffff'")


def test_table_headers_do_not_overlap(page: WebDriver) -> None:
    open_tab(page, "rows")
    overlaps = page.execute_script(
        "return [...document.querySelectorAll('#rows th')].filter(th => {"
        "  const range = document.createRange(); range.selectNodeContents(th);"
        "  return range.getBoundingClientRect().width > th.clientWidth + 0.5;"
        "}).map(th => th.textContent)"
    )
    assert overlaps == []


def test_page_fits_a_narrow_screen(page: WebDriver) -> None:
    resize(page, 380, 800)
    for tab in page.find_elements(By.CSS_SELECTOR, "[role=tab]"):
        tab.click()
        for details in page.find_elements(By.CSS_SELECTOR, "[role=tabpanel]:not([hidden]) summary"):
            page.execute_script("arguments[0].click()", details)
        wait(page, "document.documentElement.scrollWidth <= 380")
