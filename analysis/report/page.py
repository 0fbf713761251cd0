"""The page: an HTML file, and its data as a script, since a page from a file cannot fetch any."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.report.claims import Claim
from analysis.report.folders import CSV, DRAWINGS, FIGURES, INDEX
from analysis.report.interactive import plotted
from analysis.report.networks import PlottedNetwork
from analysis.report.section import Section
from analysis.report.styles import style_of

_ASSETS: Final = Path(__file__).parent / "assets"
_COPIED: Final = ("report.css", "report.js")
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
    environment = Environment(
        loader=PackageLoader("analysis.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell
    page = environment.get_template("page.html").render(
        contents=contents,
        folders={"figures": FIGURES, "csv": CSV},
        most_rows=MOST_ROWS,
        plotly_version=plotly.__version__,
    )
    (folder / INDEX).write_text(page, encoding="utf-8")
    (folder / "data.js").write_text(f"window.REPORT = {_data(contents)};\n", encoding="utf-8")
    for name in _COPIED:
        shutil.copyfile(_ASSETS / name, folder / name)
    shutil.copyfile(_PLOTLY, folder / "plotly.min.js")


def cell(value: Any) -> str:
    """A value of a table as text; NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return f"{len(value):,} values"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _data(contents: Contents) -> str:
    places = {one.row["experiment_id"]: place for place, one in enumerate(contents.networks)}
    charts = [chart for section in contents.sections for chart in section.charts]
    views = [view for chart in charts for view in chart.views.values()]
    used = {series.style for view in views for series in view.series}
    used |= {guide.style for view in views for guide in view.guides} | {"guide"}
    styles = {key: style_of(key) for key in sorted(used)}
    data = {
        "charts": {chart.name: plotted(chart, places) for chart in charts if not chart.is_empty},
        "styles": {key: {"light": s.light, "dark": s.dark} for key, s in styles.items()},
        "networks": [_network(one, contents) for one in contents.networks],
    }
    # No text may end the script, or begin a comment in it, wherever the data stands.
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _network(one: PlottedNetwork, contents: Contents) -> dict[str, Any]:
    reason = contents.not_drawn.get(one.row["experiment_id"], "")
    return {
        "label": one.label,
        "facts": one.facts(),
        "file": None if reason else f"{DRAWINGS}/{one.file}",
        "reason": reason,
        "command": f"sparsest show {one.row['experiment_id'][:12]} {contents.asking}",
    }
