"""Figures as input for plotly's script; the page adds the colours of its theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from analysis.figures.chart import Axis, Chart, Guide, Series, View
from analysis.figures.styles import Styles

_DIGITS = 5
"""Decimals of positions: a hundredth of a pixel, for a third of the bytes."""

_MODES = {"points": "markers", "curve": "lines", "range": "lines"}


def plotly_views(chart: Chart, numbers: Mapping[str, int], styles: Styles) -> dict[str, Any]:
    """Return all views of a figure.

    Args:
        chart: description of the figure.
        numbers: experiment_id -> number of the network in the page.
        styles: style of each series.

    Returns:
        `title`; `layout` of all views; `views`: selector values, joined by "|" -> `data` and
        `layout`; `first`: the initial selector values.
    """
    layout = go.Layout(
        xaxis=_axis(chart.x), yaxis=_axis(chart.y), showlegend=not chart.axis_is_legend
    )
    return {
        "title": chart.title,
        "layout": layout.to_plotly_json(),
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
    if axis.scale == "percent":
        settings |= {"ticksuffix": " %"}
    if axis.scale == "doubling":
        settings |= {"type": "log"}
    if axis.scale == "categories":
        settings |= {"type": "category", "autorange": "reversed"}
    if axis.ends is not None:
        settings |= {"range": list(axis.ends)}
    if axis.ticks:
        settings |= {
            "tickmode": "array",
            "tickvals": [axis.position(tick) for tick in axis.ticks],
            "ticktext": [axis.text(tick) for tick in axis.ticks],
        }
    return settings


def _view_layout(view: View, chart: Chart) -> dict[str, Any]:
    """Return the guides and the order of the categories."""
    settings: dict[str, Any] = {
        "shapes": [_guide_line(guide, chart) for guide in view.guides],
        "annotations": [_guide_label(guide, chart) for guide in view.guides],
    }
    if chart.y.scale == "categories":
        order = list(dict.fromkeys(y for series in view.series for y in series.y))
        settings |= {"yaxis": {"categoryorder": "array", "categoryarray": order}}
    return go.Layout(**settings).to_plotly_json()  # type: ignore[no-any-return]


def _guide_line(guide: Guide, chart: Chart) -> dict[str, Any]:
    at = _guide_position(guide, chart)
    along, across = ("y", "x") if guide.vertical else ("x", "y")
    return {
        "type": "line",
        "name": guide.style,
        f"{along}ref": "paper",
        f"{along}0": 0,
        f"{along}1": 1,
        f"{across}0": at,
        f"{across}1": at,
        "line": {"width": 1.4, "dash": "dash"},
        "layer": "below",
    }


def _guide_position(guide: Guide, chart: Chart) -> float:
    return (chart.x if guide.vertical else chart.y).position(guide.at)


def _guide_label(guide: Guide, chart: Chart) -> dict[str, Any]:
    at = _guide_position(guide, chart)
    anchor = (
        {"x": at, "y": 1, "yref": "paper", "yanchor": "bottom"}
        if guide.vertical
        else {"y": at, "x": 0, "xref": "paper", "xanchor": "left", "yanchor": "bottom"}
    )
    return {"text": guide.label, "showarrow": False, "font": {"size": 11}, **anchor}


def _trace(
    series: Series, chart: Chart, numbers: Mapping[str, int], styles: Styles
) -> dict[str, Any]:
    if series.kind == "band":
        trace = go.Scatter(**_band(series, chart.y))
    else:
        trace = go.Scatter(
            x=_rounded(series.x),
            y=_rounded([_height(y, chart.y) for y in series.y]),
            mode=_MODES.get(series.kind, "lines+markers"),
            line={
                "shape": "hv" if series.kind == "steps" else "linear",
                "width": 2.5 if series.style == "search" else 1.8,
                "dash": "dot" if series.hollow else "solid",
            },
            marker=_marker(series, styles),
            **_intervals(series, chart),
            **_hover(series, chart, numbers),
        )
        if series.kind == "range":
            # Without hover it does not take the clicks of markers on it.
            trace.update(
                opacity=0.35,
                line={"width": 9},
                showlegend=False,
                hoverinfo="skip",
                hovertemplate=None,
                customdata=None,
            )
    # The page looks up the colour of the style in its theme.
    trace.update(name=series.name, meta=series.style)
    return trace.to_plotly_json()  # type: ignore[no-any-return]


def _marker(series: Series, styles: Styles) -> dict[str, Any]:
    symbol = styles[series.style].symbol
    if series.hollow and not symbol.endswith("-open"):
        symbol += "-open"
    return {"symbol": symbol, "size": 11 if series.kind == "points" else 7}


def _band(series: Series, axis: Axis) -> dict[str, Any]:
    low, high = ([axis.position(end) for end in ends or ()] for ends in (series.low, series.high))
    return {
        "x": [*_rounded(series.x), *reversed(_rounded(series.x))],
        "y": [*_rounded(high), *reversed(_rounded(low))],
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
    middle, low, high = (
        [axis.position(float(value)) for value in numbers]
        for numbers in (values, series.low, series.high)
    )
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
    x_line = "" if chart.x.title == "" else f"{chart.x.title}: %{{x}}<br>"
    y_line = "" if chart.y.title == "" else f"{chart.y.title}: {y}<br>"
    return {
        "customdata": [
            [None if network is None else numbers[network], note]
            for network, note in zip(networks, notes, strict=True)
        ],
        # Rounded positions would not show 95.00 % for a network that has just reached it.
        "text": [f"{100 * float(value):.2f} %" for value in series.y] if in_percent else None,
        "hovertemplate": f"<b>{series.name}</b><br>{x_line}{y_line}%{{customdata[1]}}"
        "<extra></extra>",
    }


def _height(value: float | str, axis: Axis) -> float | str:
    return value if isinstance(value, str) else axis.position(value)


def _rounded(values: Sequence[Any]) -> list[Any]:
    return [round(value, _DIGITS) if isinstance(value, float) else value for value in values]
