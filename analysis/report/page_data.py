"""Data of the pages as scripts: a page that is opened from a file cannot fetch any."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from analysis.figures.chart import Chart
from analysis.figures.plotly_figure import plotly_views
from analysis.figures.styles import Styles
from analysis.report.folders import DRAWINGS
from analysis.report.networks import PlottedNetwork


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

    Args:
        charts: figures; those without data are left out.
        networks: networks of their points.
        not_drawn: experiment_id -> reason, for networks without a drawing.
        store_option: option of a command that selects these results, such as `--published`.
        styles: style of each series.
    """
    numbers = {one.row["experiment_id"]: number for number, one in enumerate(networks)}
    views = [view for chart in charts for view in chart.views.values()]
    used = {series.style for view in views for series in view.series}
    used |= {guide.style for view in views for guide in view.guides} | {"guide"}
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
        "networks": [_network(one, not_drawn) for one in networks],
        "storeOption": store_option,
    }


def _network(one: PlottedNetwork, not_drawn: Mapping[str, str]) -> dict[str, Any]:
    reason = not_drawn.get(one.row["experiment_id"], "")
    return {
        "title": one.title,
        "facts": [*one.facts().values()],
        "file": None if reason else f"{DRAWINGS}/{one.file}",
        "reason": reason,
    }
