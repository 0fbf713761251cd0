"""The page: an HTML file, and its data as a script, since a page from a file cannot fetch any."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs_version

from analysis.report.claims import Claim
from analysis.report.folders import CSV, FIGURES, INDEX
from analysis.report.networks import PlottedNetwork
from analysis.report.scripts import as_script, plots_data
from analysis.report.section import Section

_ASSETS: Final = Path(__file__).parent / "assets"
_OF_EVERY_PAGE: Final = ("report.css", "plots.js")
_PLOTLY: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

MOST_ROWS = 40
"""Longer tables are only in their CSV file."""


@dataclass(frozen=True)
class Contents:
    """All that the page shows.

    Attributes:
        title: the heading.
        source: a line that says whose results these are.
        facts: (number, what it counts), at the top.
        claims: the ledger.
        sections: in the order of the tabs.
        networks: behind the points.
        not_drawn: experiment_id -> why there is no drawing, for those without one.
        asking: how a command names these results, such as `--published`.
    """

    title: str
    source: str
    facts: Sequence[tuple[str, str]]
    claims: Sequence[Claim]
    sections: Sequence[Section]
    networks: Sequence[PlottedNetwork]
    not_drawn: Mapping[str, str]
    asking: str


def write_page(contents: Contents, folder: Path) -> None:
    """Writes index.html and all that it loads, but for the figures, tables and drawings.

    Raises:
        OSError: a file cannot be written.
    """
    page = rendered(
        "page.html",
        contents=contents,
        folders={"figures": FIGURES, "csv": CSV},
        most_rows=MOST_ROWS,
    )
    (folder / INDEX).write_text(page, encoding="utf-8")
    charts = [chart for section in contents.sections for chart in section.charts]
    data = plots_data(charts, contents.networks, contents.not_drawn, contents.asking)
    (folder / "data.js").write_text(as_script("REPORT", data), encoding="utf-8")
    copy_assets(folder, "report.js")


def rendered(template: str, **values: Any) -> str:
    """A page of `assets`, with the values in their places, as text that is no markup."""
    environment = Environment(
        loader=PackageLoader("analysis.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "unbroken": unbroken}
    return environment.get_template(template).render(
        plotly_version=get_plotlyjs_version(), **values
    )


def copy_assets(folder: Path, *scripts: str) -> None:
    """Puts what every page loads into its folder, and the scripts of this one.

    Raises:
        OSError: a file cannot be written.
    """
    for name in (*_OF_EVERY_PAGE, *scripts):
        shutil.copyfile(_ASSETS / name, folder / name)
    shutil.copyfile(_PLOTLY, folder / "plotly.min.js")


def unbroken(text: str) -> str:
    """A text in which no line ends between a number and its sign of percent."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def cell(value: Any) -> str:
    """A value of a table as text; NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return f"{len(value):,} values"
    return f"{value:,}" if isinstance(value, int) else str(value)
