"""Figures as input for plotly's script; the page adds the colours of its theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.figures.chart import Axis, Chart, Series, View
from analysis.methods import Styles

_MODES = {"points": "markers", "curve": "lines", "range": "lines"}
_SCALES = {
    "percent": {"ticksuffix": " %"},
    "doubling": {"type": "log"},
    "categories": {"type": "category", "autorange": "reversed"},
}


def plotly_views(chart: Chart, numbers: Mapping[str, int], styles: Styles) -> dict[str, Any]:
    """Return all views of a figure; `numbers` are those of the networks in the page.

    The keys are `title`, `layout` of all views, `views` (selector values, joined by "|" -> `data`
    and `layout`), and `first`, the initial selector values.
    """
    return {
        "title": chart.title,
        "layout": {
            "xaxis": _axis(chart.x),
            "yaxis": _axis(chart.y),
            "showlegend": not chart.axis_is_legend,
        },
        "first": "|".join(chart.first),
        "views": {
            "|".join(choice): {
                "data": [_trace(series, chart, numbers, styles) for series in view.series],
                "layout": _view_layout(view, chart),
            }
            for choice, view in chart.views.items()
        },
    }


def _axis(axis: Axis) -> dict[str, Any]:
    settings: dict[str, Any] = {"title": {"text": axis.title, "standoff": 10}, "automargin": True}
    settings |= _SCALES.get(axis.scale, {})
    if axis.ends is not None:
        settings |= {"range": list(axis.ends)}
    if axis.ticks:
        settings |= {
            "tickmode": "array",
            "tickvals": axis.positions(axis.ticks),
            "ticktext": [axis.text(tick) for tick in axis.ticks],
        }
    return settings


def _view_layout(view: View, chart: Chart) -> dict[str, Any]:
    """Return the guides and the order of the categories."""
    lines, labels = [], []
    for guide in view.guides:
        at = (chart.x if guide.vertical else chart.y).position(guide.at)
        along, across = ("y", "x") if guide.vertical else ("x", "y")
        ends = {f"{along}0": 0, f"{along}1": 1, f"{across}0": at, f"{across}1": at}
        look = {"line": {"width": 1.4, "dash": "dash"}, "layer": "below"}
        lines.append({"type": "line", "name": guide.style, f"{along}ref": "paper", **ends, **look})
        place = {across: at, along: 1 if guide.vertical else 0, f"{along}ref": "paper"}
        place |= {"yanchor": "bottom"} | ({} if guide.vertical else {"xanchor": "left"})
        labels.append({"text": guide.label, "showarrow": False, "font": {"size": 11}, **place})
    settings: dict[str, Any] = {"shapes": lines, "annotations": labels}
    if chart.y.scale == "categories":
        settings["yaxis"] = {"categoryorder": "array", "categoryarray": view.categories}
    return settings


def _trace(
    series: Series, chart: Chart, numbers: Mapping[str, int], styles: Styles
) -> dict[str, Any]:
    # The page looks up the colour of the style in its theme.
    trace: dict[str, Any] = {"type": "scatter", "name": series.name, "meta": series.style}
    if series.kind == "band":
        return trace | _band(series, chart.y)
    symbol = styles[series.style].symbol
    if series.hollow and not symbol.endswith("-open"):
        symbol += "-open"
    trace |= {
        "x": _rounded(series.x),
        "y": _rounded([y if isinstance(y, str) else chart.y.position(y) for y in series.y]),
        "mode": _MODES.get(series.kind, "lines+markers"),
        "marker": {"symbol": symbol, "size": 11 if series.kind == "points" else 7},
        **_intervals(series, chart),
    }
    if series.kind == "range":
        # Without hover it does not take the clicks of markers on it.
        trace |= {"line": {"width": 9}, "opacity": 0.35, "showlegend": False, "hoverinfo": "skip"}
        return trace
    line = {
        "shape": "hv" if series.kind == "steps" else "linear",
        "width": 2.5 if series.style == "search" else 1.8,
        "dash": "dot" if series.hollow else "solid",
    }
    return trace | {"line": line} | _hover(series, chart, numbers)


def _band(series: Series, axis: Axis) -> dict[str, Any]:
    low, high = axis.positions(series.low or ()), axis.positions(series.high or ())
    return {
        "x": _rounded([*series.x, *reversed(series.x)]),
        "y": _rounded([*high, *reversed(low)]),
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "hoverinfo": "skip",
    }


def _intervals(series: Series, chart: Chart) -> dict[str, Any]:
    if series.low is None or series.high is None:
        return {}
    across = chart.y.scale == "categories"
    # With categories on the y axis, the numbers are on the x axis.
    values, axis = (series.x, chart.x) if across else (series.y, chart.y)
    middle, low, high = map(axis.positions, (map(float, values), series.low, series.high))
    ends = {
        "type": "data",
        "symmetric": False,
        "array": _rounded([h - m for h, m in zip(high, middle, strict=True)]),
        "arrayminus": _rounded([m - end for end, m in zip(low, middle, strict=True)]),
        "thickness": 1.5,
        "width": 4,
    }
    return {"error_x" if across else "error_y": ends}


def _hover(series: Series, chart: Chart, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return the text about each point; `customdata` holds the network's number and a note."""
    count = len(series.x)
    networks = series.networks or [None] * count
    notes = series.notes or [""] * count
    in_percent = chart.y.scale in ("percent", "nines")
    y = "%{text}" if in_percent else "%{y}"
    lines = [f"{chart.x.title}: %{{x}}<br>"] if chart.x.title else []
    lines += [f"{chart.y.title}: {y}<br>"] if chart.y.title else []
    hover: dict[str, Any] = {
        "customdata": [
            [None if network is None else numbers[network], note]
            for network, note in zip(networks, notes, strict=True)
        ],
        "hovertemplate": f"<b>{series.name}</b><br>{''.join(lines)}%{{customdata[1]}}"
        "<extra></extra>",
    }
    if in_percent:
        # Rounded positions would not show 95.00 % for a network that has just reached it.
        hover["text"] = [f"{100 * float(value):.2f} %" for value in series.y]
    return hover


def _rounded(values: Sequence[Any]) -> list[Any]:
    # A hundredth of a pixel, for a third of the bytes.
    return [round(value, 5) if isinstance(value, float) else value for value in values]
