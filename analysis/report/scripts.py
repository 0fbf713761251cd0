"""What pages plot, as scripts: a page that is opened from a file cannot fetch any data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.chart import Chart
from analysis.report.folders import DRAWINGS
from analysis.report.interactive import plotted
from analysis.report.networks import PlottedNetwork
from analysis.report.styles import style_of


def as_script(name: str, data: Mapping[str, Any]) -> str:
    """A script that puts data at a name of the page's window."""
    # No text may end the script, or begin a comment in it, wherever the data stands.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"window.{name} = {text};\n"


def plots_data(
    charts: Sequence[Chart],
    networks: Sequence[PlottedNetwork],
    not_drawn: Mapping[str, str],
    asking: str,
) -> dict[str, Any]:
    """What `plots.js` draws, and what it says of the networks behind the points.

    Args:
        charts: to be plotted; those without points are left out.
        networks: behind their points.
        not_drawn: experiment_id -> why there is no drawing, for those without one.
        asking: how a command names these results, such as `--published`.
    """
    places = {one.row["experiment_id"]: place for place, one in enumerate(networks)}
    views = [view for chart in charts for view in chart.views.values()]
    used = {series.style for view in views for series in view.series}
    used |= {guide.style for view in views for guide in view.guides} | {"guide"}
    styles = {key: style_of(key) for key in sorted(used)}
    return {
        "charts": {chart.name: plotted(chart, places) for chart in charts if not chart.is_empty},
        "styles": {key: {"light": s.light, "dark": s.dark} for key, s in styles.items()},
        # The names once: thousands of networks have the same ones.
        "facts": [*networks[0].facts()] if networks else [],
        "networks": [_network(one, not_drawn) for one in networks],
        "asking": asking,
    }


def _network(one: PlottedNetwork, not_drawn: Mapping[str, str]) -> dict[str, Any]:
    reason = not_drawn.get(one.row["experiment_id"], "")
    return {
        "title": one.title,
        "facts": [*one.facts().values()],
        "file": None if reason else f"{DRAWINGS}/{one.file}",
        "reason": reason,
    }
