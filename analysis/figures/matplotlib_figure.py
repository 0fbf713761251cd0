"""Figures by matplotlib, for files and notebooks, in the light colours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import chain
from math import ceil
from typing import Any, Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
)

from analysis.drawing.palette import STYLE
from analysis.figures.chart import Axis, Chart, Series, View
from analysis.methods import Styles

_TEXT = "#1a1d21"
_MUTED = "#5a626b"
_WIDTH, _HEIGHT = 7.4, 4.4
"""Size of a figure in inches."""

_Location = Literal["best", "outside right center", "outside lower center"]
"""Location of a legend."""

_BAND_OPACITY = 0.18


def matplotlib_figure(chart: Chart, styles: Styles, axes: Axes | None = None) -> Figure:
    """Return the initial view as a figure that is independent of pyplot.

    It is drawn on given axes, with the legend inside, or else on a new figure.
    """
    with matplotlib.style.context(STYLE):
        view = chart.views[chart.first]
        if axes is not None:
            _plot(axes, chart, view, styles)
            if not chart.axis_is_legend:
                _add_legend(axes, [view], styles, where="best")
            figure = axes.get_figure(root=True)
            assert figure is not None
            return figure
        is_list = chart.y.scale == "categories" and view.categories
        height = max(1.6, 1.2 + 0.32 * len(view.categories)) if is_list else _HEIGHT
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        _plot(axes, chart, view, styles)
        chosen = zip(chart.selectors, chart.first, strict=True)
        choice = ", ".join(f"{one.label.lower()}: {option}" for one, option in chosen)
        _write_title(figure, chart.title, choice, 84)
        if not chart.axis_is_legend:
            _add_legend(figure, [view], styles, where="outside right center")
        return figure


def matplotlib_panels(chart: Chart, styles: Styles) -> Figure | None:
    """Return all views side by side; None if there is one, or more than `MAX_PANELS`."""
    if not chart.has_panels:
        return None
    with matplotlib.style.context(STYLE):
        columns = min(3, len(chart.views)) if len(chart.views) != 4 else 2
        rows = ceil(len(chart.views) / columns)
        figure = Figure(figsize=(3.4 * columns, 2.6 * rows + 0.9), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (choice, view) in zip(panels, chart.views.items(), strict=False):
            _plot(axes, chart, view, styles, small=True)
            chosen = zip(chart.selectors, choice, strict=True)
            values = ", ".join(selector.beside.format(option) for selector, option in chosen)
            axes.set_title(values, fontsize=9, color=_TEXT, loc="left")
        for axes in panels[len(chart.views) :]:
            axes.set_visible(False)
        _write_title(figure, chart.title, "", 38 * columns)
        if not chart.axis_is_legend:
            _add_legend(figure, list(chart.views.values()), styles, where="outside lower center")
        return figure


def _plot(axes: Axes, chart: Chart, view: View, styles: Styles, *, small: bool = False) -> None:
    names = [str(y) for y in view.categories] if chart.y.scale == "categories" else []
    for guide in view.guides:
        line = axes.axvline if guide.vertical else axes.axhline
        at = (chart.x if guide.vertical else chart.y).position(guide.at)
        line(at, color=styles[guide.style].light, linewidth=0.9, linestyle=(0, (4, 3)))
    for series in view.series:
        _plot_series(axes, series, names, chart.y, styles, small=small)
    _set_axis(axes, chart.x, "x", small=small)
    _set_axis(axes, chart.y, "y", small=small)
    if names:
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(color="#e4e7ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7 if small else 9, colors=_MUTED)
    style: dict[str, Any] = {"fontsize": 6 if small else 8, "color": _MUTED}
    for guide in view.guides:
        if not guide.vertical:
            y, place = chart.y.position(guide.at), axes.get_yaxis_transform()
            axes.text(1.005, y, guide.label, transform=place, va="center", **style)
        elif not small:  # there is no space next to a panel's title
            centred = style | {"ha": "center", "va": "bottom"}
            place = axes.get_xaxis_transform()
            axes.text(guide.at, 1.01, guide.label, transform=place, **centred)


def _plot_series(
    axes: Axes, series: Series, names: Sequence[str], y_axis: Axis, styles: Styles, *, small: bool
) -> None:
    style = styles[series.style]
    x = [float(value) for value in series.x]
    y = [float(names.index(str(v))) if names else y_axis.position(float(v)) for v in series.y]
    if series.kind == "band":
        low, high = y_axis.positions(series.low or ()), y_axis.positions(series.high or ())
        axes.fill_between(x, low, high, color=style.light, alpha=_BAND_OPACITY)
        return
    if series.kind == "range":
        width = 4 if small else 7
        axes.plot(x, y, color=style.light, alpha=0.35, lw=width, solid_capstyle="butt")
        return
    axes.plot(
        x,
        y,
        **_look(series, styles),
        markersize=(7.0 if series.kind == "points" else 4.0) * (0.7 if small else 1),
        linewidth=(1.8 if series.style == "search" else 1.3) * (0.8 if small else 1),
        drawstyle="steps-post" if series.kind == "steps" else "default",
        label=series.name,
    )
    if series.low is not None and series.high is not None:
        for at_x, at_y, *ends in zip(x, y, series.low, series.high, strict=True):
            bar = (ends, [at_y, at_y]) if names else ([at_x, at_x], y_axis.positions(ends))
            axes.plot(*bar, color=style.light, linewidth=1)


def _look(series: Series, styles: Styles) -> dict[str, Any]:
    """Return the properties that a line and its entry in the legend share."""
    style = styles[series.style]
    hollow = series.hollow or style.symbol.endswith("-open")
    return {
        "color": style.light,
        "marker": "" if series.kind == "curve" else style.marker,
        "markerfacecolor": "white" if hollow else style.light,
        "linestyle": "none" if series.kind == "points" else ":" if series.hollow else "-",
    }


def _set_axis(axes: Axes, axis: Axis, which: Literal["x", "y"], *, small: bool) -> None:
    target = axes.xaxis if which == "x" else axes.yaxis
    target.set_label_text(axis.title, fontsize=8 if small else 10, color=_TEXT)
    if axis.scale == "doubling":
        (axes.set_xscale if which == "x" else axes.set_yscale)("log", base=2)
        target.set_minor_locator(NullLocator())
    if axis.scale == "percent":
        target.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))
    if axis.ticks:
        ticks = axis.ticks[::2] if small else axis.ticks
        target.set_major_locator(FixedLocator([axis.position(tick) for tick in ticks]))
        target.set_major_formatter(FixedFormatter([axis.text(tick) for tick in ticks]))
    elif axis.scale == "linear":
        target.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if axis.ends is not None:
        (axes.set_xlim if which == "x" else axes.set_ylim)(*axis.ends)


def _write_title(figure: Figure, title: str, subtitle: str, letters: int) -> None:
    lines = [*textwrap.wrap(title, letters), *([subtitle] if subtitle else [])]
    if lines:
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10.5, color=_TEXT)


def _add_legend(
    parent: Figure | Axes, views: Sequence[View], styles: Styles, *, where: _Location
) -> None:
    """Add a legend with one entry for each name."""
    entries: dict[str, Line2D | Patch] = {}
    for series in chain.from_iterable(view.series for view in views):
        if series.kind in ("band", "range"):
            area = Patch(color=styles[series.style].light, alpha=_BAND_OPACITY)
            entries.setdefault(series.name, area)
        else:
            entries[series.name] = Line2D([], [], markersize=5, **_look(series, styles))
    style: dict[str, Any] = {"fontsize": 8, "frameon": False, "labelcolor": _TEXT}
    columns = 5 if where == "outside lower center" else 1
    parent.legend(list(entries.values()), list(entries), loc=where, ncols=columns, **style)
