"""Figures by matplotlib, for files and notebooks, in the light colours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import ceil
from typing import Literal

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

from analysis.figures.chart import Axis, Chart, Series, View
from analysis.figures.styles import Styles

_TEXT = "#1a1d21"
_MUTED = "#5a626b"
_WIDTH, _HEIGHT = 7.4, 4.4
"""Size of a figure in inches."""

_LINE_HEIGHT = 0.32
"""Height of a category in inches."""

_Location = Literal["best", "outside right center", "outside lower center"]
"""Location of a legend."""

_COLUMNS = 3
_BAND_OPACITY = 0.18
_RANGE_OPACITY = 0.35


def matplotlib_figure(chart: Chart, styles: Styles, axes: Axes | None = None) -> Figure:
    """Return the initial view as a figure that is independent of pyplot.

    Args:
        chart: description of the figure.
        styles: styles of its series.
        axes: axes to draw on, with the legend inside; None for a new figure.
    """
    with matplotlib.style.context("default"):
        view = chart.views[chart.first]
        if axes is not None:
            _plot(axes, chart, view, styles)
            if not chart.axis_is_legend:
                _add_legend(axes, [view], styles, where="best")
            figure = axes.get_figure(root=True)
            assert figure is not None
            return figure
        lines = len(_categories(chart, view))
        height = max(1.6, 1.2 + _LINE_HEIGHT * lines) if lines else _HEIGHT
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        _plot(axes, chart, view, styles)
        choice = ", ".join(f"{one.label.lower()}: {one.first}" for one in chart.selectors)
        _write_title(figure, chart.title, choice, 84)
        if not chart.axis_is_legend:
            _add_legend(figure, [view], styles, where="outside right center")
        return figure


def matplotlib_panels(chart: Chart, styles: Styles) -> Figure | None:
    """Return all views side by side; None if there is one, or more than `MAX_PANELS`."""
    if not chart.has_panels:
        return None
    with matplotlib.style.context("default"):
        columns = min(_COLUMNS, len(chart.views)) if len(chart.views) != 4 else 2
        rows = ceil(len(chart.views) / columns)
        figure = Figure(figsize=(3.4 * columns, 2.6 * rows + 0.9), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (choice, view) in zip(panels, chart.views.items(), strict=False):
            _plot(axes, chart, view, styles, small=True)
            values = [
                selector.beside.format(option)
                for selector, option in zip(chart.selectors, choice, strict=True)
            ]
            axes.set_title(", ".join(values), fontsize=9, color=_TEXT, loc="left")
        for axes in panels[len(chart.views) :]:
            axes.set_visible(False)
        _write_title(figure, chart.title, "", 38 * columns)
        if not chart.axis_is_legend:
            _add_legend(figure, list(chart.views.values()), styles, where="outside lower center")
        return figure


def _categories(chart: Chart, view: View) -> list[str]:
    if chart.y.scale != "categories":
        return []
    return list(dict.fromkeys(str(y) for series in view.series for y in series.y))


def _plot(axes: Axes, chart: Chart, view: View, styles: Styles, *, small: bool = False) -> None:
    names = _categories(chart, view)
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
    _write_guide_labels(axes, chart, view, small=small)


def _plot_series(
    axes: Axes, series: Series, names: Sequence[str], y_axis: Axis, styles: Styles, *, small: bool
) -> None:
    style = styles[series.style]
    x = [float(value) for value in series.x]
    y = [float(names.index(str(v))) if names else y_axis.position(float(v)) for v in series.y]
    if series.kind == "band":
        low, high = (
            [y_axis.position(end) for end in ends or ()] for ends in (series.low, series.high)
        )
        axes.fill_between(x, low, high, color=style.light, alpha=_BAND_OPACITY)
        return
    if series.kind == "range":
        width = 4 if small else 7
        axes.plot(x, y, color=style.light, alpha=_RANGE_OPACITY, lw=width, solid_capstyle="butt")
        return
    hollow = series.hollow or style.symbol.endswith("-open")
    size = {"points": 7.0, "curve": 0.0}.get(series.kind, 4.0)
    axes.plot(
        x,
        y,
        color=style.light,
        marker=style.marker,
        markersize=size * (0.7 if small else 1),
        markerfacecolor="white" if hollow else style.light,
        linestyle=_line_style(series),
        linewidth=(1.8 if series.style == "search" else 1.3) * (0.8 if small else 1),
        drawstyle="steps-post" if series.kind == "steps" else "default",
        label=series.name,
    )
    if series.low is not None and series.high is not None:
        for at_x, at_y, *ends in zip(x, y, series.low, series.high, strict=True):
            positions = [y_axis.position(end) for end in ends]
            bar = (ends, [at_y, at_y]) if names else ([at_x, at_x], positions)
            axes.plot(*bar, color=style.light, linewidth=1)


def _line_style(series: Series) -> Literal["none", ":", "-"]:
    return "none" if not series.has_line else ":" if series.hollow else "-"


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


def _write_guide_labels(axes: Axes, chart: Chart, view: View, *, small: bool) -> None:
    for guide in view.guides:
        if small and guide.vertical:
            continue  # there is no space next to the panel's title
        x, y = (guide.at, 1.01) if guide.vertical else (1.005, chart.y.position(guide.at))
        axes.text(
            x,
            y,
            guide.label,
            transform=axes.get_xaxis_transform() if guide.vertical else axes.get_yaxis_transform(),
            fontsize=6 if small else 8,
            color=_MUTED,
            ha="center" if guide.vertical else "left",
            va="bottom" if guide.vertical else "center",
        )


def _write_title(figure: Figure, title: str, subtitle: str, letters: int) -> None:
    lines = [*textwrap.wrap(title, letters), *([subtitle] if subtitle else [])]
    if lines:
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10.5, color=_TEXT)


def _add_legend(
    parent: Figure | Axes, views: Sequence[View], styles: Styles, *, where: _Location
) -> None:
    """Add a legend with one entry for each name."""
    entries: dict[str, Line2D | Patch] = {}
    for series in (series for view in views for series in view.series):
        style = styles[series.style]
        if series.is_area:
            entries.setdefault(series.name, Patch(color=style.light, alpha=_BAND_OPACITY))
            continue
        hollow = series.hollow or style.symbol.endswith("-open")
        entries[series.name] = Line2D(
            [],
            [],
            color=style.light,
            marker=style.marker if series.has_markers else "",
            markersize=5,
            markerfacecolor="white" if hollow else style.light,
            linestyle=_line_style(series),
        )
    parent.legend(
        list(entries.values()),
        list(entries),
        loc=where,
        ncols=5 if where == "outside lower center" else 1,
        fontsize=8,
        frameon=False,
        labelcolor=_TEXT,
    )
