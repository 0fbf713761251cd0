"""The page: an HTML file and the files that it loads."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs_version

from analysis.figures.styles import Styles
from analysis.report.answers import Section
from analysis.report.claims import Claim
from analysis.report.exports import PANELS
from analysis.report.folders import CSV, FIGURES, INDEX
from analysis.report.networks import PlottedNetwork
from analysis.report.page_data import as_script, plots_data

_ASSETS: Final = Path(__file__).parent / "assets"
_COMMON: Final = ("report.css", "plots.js")
"""Files of every page."""

_PLOTLY: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

MAX_ROWS = 40
"""Maximum number of rows of a table in the page; longer ones are only CSV files."""


@dataclass(frozen=True)
class Contents:
    """Contents of the page.

    Attributes:
        title: heading.
        description: line about the results.
        facts: (number, what it counts), at the top.
        claims: claims of the ledger.
        sections: sections in the order of the tabs.
        networks: networks of the points.
        not_drawn: experiment_id -> reason, for networks without a drawing.
        store_option: option of a command that selects these results, such as `--published`.
        styles: style of each series.
    """

    title: str
    description: str
    facts: Sequence[tuple[str, str]]
    claims: Sequence[Claim]
    sections: Sequence[Section]
    networks: Sequence[PlottedNetwork]
    not_drawn: Mapping[str, str]
    store_option: str
    styles: Styles


def write_page(contents: Contents, folder: Path) -> None:
    """Write index.html and everything it loads except figures, tables and drawings.

    Raises:
        OSError: a file cannot be written.
    """
    page = rendered(
        "page.html",
        contents=contents,
        folders={"figures": FIGURES, "csv": CSV},
        panels=PANELS,
        max_rows=MAX_ROWS,
    )
    (folder / INDEX).write_text(page, encoding="utf-8")
    charts = [chart for section in contents.sections for chart in section.charts]
    data = plots_data(
        charts, contents.networks, contents.not_drawn, contents.store_option, contents.styles
    )
    (folder / "data.js").write_text(as_script("REPORT", data), encoding="utf-8")
    copy_assets(folder, "report.js")


def rendered(template: str, **values: Any) -> str:
    """Render a template of `assets`; values are escaped."""
    environment = Environment(
        loader=PackageLoader("analysis.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "unbroken": unbroken, "header": header}
    return environment.get_template(template).render(
        plotly_version=get_plotlyjs_version(), **values
    )


def copy_assets(folder: Path, *scripts: str) -> None:
    """Copy the files of every page and the scripts of this one to its folder.

    Raises:
        OSError: a file cannot be written.
    """
    for name in (*_COMMON, *scripts):
        shutil.copyfile(_ASSETS / name, folder / name)
    shutil.copyfile(_PLOTLY, folder / "plotly.min.js")


def unbroken(text: str) -> str:
    """Return a text without line breaks between a number and its percent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def header(column: str) -> Markup:
    """Return the name of a column, which may be broken after underscores."""
    return Markup(str(escape(unbroken(column))).replace("_", "_<wbr>"))


def cell(value: Any) -> str:
    """Format a value of a table; NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return f"{len(value):,} values"
    return f"{value:,}" if isinstance(value, int) else str(value)
