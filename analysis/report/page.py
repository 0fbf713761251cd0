"""The page: an HTML file and the files that it loads.

Its data are scripts: a page that is opened from a file cannot fetch any.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any, Final

import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs_version

from analysis.figures.chart import Chart
from analysis.figures.plotly_figure import plotly_views
from analysis.methods import Styles
from analysis.report.networks import PlottedNetwork
from storage.scratch import scratch_folder

INDEX: Final = "index.html"
FIGURES: Final = "figures"
CSV: Final = "tables"
DRAWINGS: Final = "networks"

PANELS: Final = "-panels"
"""End of the names of files with all views of a figure side by side."""

MARKER: Final = "report.json"
"""Marks the folder as a report, which may be replaced."""

_ASSETS: Final = Path(__file__).parent / "assets"

_PLOTLY: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

MAX_ROWS = 40
"""Maximum number of rows of a table in the page; longer ones are only CSV files."""


def write_page(folder: Path, data: Mapping[str, Any], **values: Any) -> None:
    """Write index.html and everything it loads except figures, tables and drawings.

    `data` are those of the figures; `values` are title, description, facts, claims and sections.
    """
    folders = {"figures": FIGURES, "csv": CSV}
    page = rendered("page.html", folders=folders, panels=PANELS, max_rows=MAX_ROWS, **values)
    (folder / INDEX).write_text(page, encoding="utf-8")
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
    """Copy the files of every page and the scripts of this one to its folder."""
    for name in ("report.css", "plots.js", *scripts):
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
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return f"{len(value):,} values"
    return f"{value:,}" if isinstance(value, int) else str("" if value is None else value)


def to_json(data: Any) -> str:
    """Return data as compact JSON, with null for numbers that are not finite."""
    return json.dumps(_finite(data), separators=(",", ":"), allow_nan=False)


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if isfinite(data) else None
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, list | tuple) else data


def as_script(name: str, data: Mapping[str, Any]) -> str:
    """Return a script that assigns data to a property of the page's window."""
    # No text may end the script or start a comment in it.
    return f"window.{name} = {to_json(data)};\n".replace("<", "\\u003c")


def plots_data(
    charts: Sequence[Chart],
    networks: Sequence[PlottedNetwork],
    not_drawn: Mapping[str, str],
    store_option: str,
    styles: Styles,
) -> dict[str, Any]:
    """Return the data that `plots.js` draws, and the details of the points' networks.

    `not_drawn` maps experiment_id to the reason, for networks without a drawing. `store_option` is
    the option of a command that selects these results. Figures without data are left out.
    """
    numbers = {one.row["experiment_id"]: number for number, one in enumerate(networks)}
    views = [view for chart in charts for view in chart.views.values()]
    used = {series.style for view in views for series in view.series}
    used |= {guide.style for view in views for guide in view.guides} | {"guide"}
    reasons = [not_drawn.get(one.row["experiment_id"], "") for one in networks]
    return {
        "charts": {
            chart.name: plotly_views(chart, numbers, styles)
            for chart in charts
            if not chart.is_empty
        },
        "styles": {
            key: {"light": styles[key].light, "dark": styles[key].dark} for key in sorted(used)
        },
        # The names once: they are the same for thousands of networks.
        "facts": [*networks[0].facts()] if networks else [],
        "networks": [
            {
                "title": one.title,
                "facts": [*one.facts().values()],
                "file": None if reason else f"{DRAWINGS}/{one.file}",
                "reason": reason,
            }
            for one, reason in zip(networks, reasons, strict=True)
        ],
        "storeOption": store_option,
    }


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Check that a report can be put there.

    Raises:
        OSError: something is there that may not be replaced, or the parent folder does not exist.
    """
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.parent}: create it, or name another")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MARKER).is_file():
        raise FileExistsError(f"{folder} exists and is not a report: name another folder")
    if not overwrite:
        raise FileExistsError(
            f"{folder} holds a report already: name another folder, or replace it (--overwrite)"
        )


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Make a folder that is moved to `final` when the block ends without an exception.

    An existing report is replaced then. What a killed process left behind is removed.
    """
    with scratch_folder(final.parent, ".report-") as scratch:
        made = scratch / "report"
        made.mkdir()
        yield made
        old = scratch / "old"
        if final.exists():
            final.rename(old)
        try:
            made.rename(final)
        except OSError:
            if old.exists():
                old.rename(final)
            raise
