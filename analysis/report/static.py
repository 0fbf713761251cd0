"""The same plots by matplotlib, for a paper: SVG and PNG, in the light colours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import ceil

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

from analysis.report.chart import Axis, Chart, Series, View
from analysis.report.styles import style_of

MOST_PANELS = 12
"""Views that are drawn beside each other; of a plot with more only the first one is drawn."""

_TEXT = "#1a1d21"
_MUTED = "#5a626b"
_WIDTH, _HEIGHT = 7.4, 4.4
_COLUMNS = 3


def drawn(chart: Chart) -> Figure:
    """The view at the start, as a figure of no pyplot."""
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        view = chart.views[chart.first]
        _plot(axes, chart, view)
        chosen = ", ".join(f"{one.label.lower()}: {one.first}" for one in chart.selectors)
        _write_title(figure, chart.title, chosen, 84)
        if not chart.names_itself:
            _add_legend(figure, [view], beside=True)
        return figure


def drawn_panels(chart: Chart) -> Figure | None:
    """All views as small multiples; None where there is one, or there are too many."""
    if not 2 <= len(chart.views) <= MOST_PANELS:
        return None
    with matplotlib.style.context("default"):
        columns = min(_COLUMNS, len(chart.views)) if len(chart.views) != 4 else 2
        rows = ceil(len(chart.views) / columns)
        figure = Figure(figsize=(3.4 * columns, 2.6 * rows + 0.9), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (choice, view) in zip(panels, chart.views.items(), strict=False):
            _plot(axes, chart, view, small=True)
            said = [
                one.beside.format(option)
                for one, option in zip(chart.selectors, choice, strict=True)
            ]
            axes.set_title(", ".join(said), fontsize=9, color=_TEXT, loc="left")
        for axes in panels[len(chart.views) :]:
            axes.set_visible(False)
        _write_title(figure, chart.title, "", 38 * columns)
        if not chart.names_itself:
            _add_legend(figure, list(chart.views.values()), beside=False)
        return figure


def _plot(axes: Axes, chart: Chart, view: View, *, small: bool = False) -> None:
    names: list[str] = []
    if chart.y.scale == "categories":
        names = list(dict.fromkeys(str(y) for series in view.series for y in series.y))
    for guide in view.guides:
        line = axes.axvline if guide.upright else axes.axhline
        at = (chart.x if guide.upright else chart.y).place(guide.at)
        line(at, color=style_of(guide.style).light, linewidth=0.9, linestyle=(0, (4, 3)))
    for series in view.series:
        _plot_series(axes, series, names, chart.y, small=small)
    _set_axis(axes, chart.x, "x", small=small)
    _set_axis(axes, chart.y, "y", small=small)
    if names:
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(color="#e4e7ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7 if small else 9, colors=_MUTED)
    _write_guides(axes, chart, view, small=small)


def _plot_series(
    axes: Axes, series: Series, names: Sequence[str], upright: Axis, *, small: bool
) -> None:
    style = style_of(series.style)
    x = [float(value) for value in series.x]
    y = [float(names.index(str(v))) if names else upright.place(float(v)) for v in series.y]
    if series.kind == "band":
        low, high = (
            [upright.place(end) for end in ends or ()] for ends in (series.low, series.high)
        )
        axes.fill_between(x, low, high, color=style.light, alpha=0.18)
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
        linestyle="none" if series.kind == "points" else (":" if series.hollow else "-"),
        linewidth=(1.8 if series.style == "search" else 1.3) * (0.8 if small else 1),
        drawstyle="steps-post" if series.kind == "steps" else "default",
    )
    if series.low is not None and series.high is not None:
        for at_x, at_y, *ends in zip(x, y, series.low, series.high, strict=True):
            upwards = [upright.place(end) for end in ends]
            bar = (ends, [at_y, at_y]) if names else ([at_x, at_x], upwards)
            axes.plot(*bar, color=style.light, linewidth=1)


def _set_axis(axes: Axes, axis: Axis, which: str, *, small: bool) -> None:
    ours = axes.xaxis if which == "x" else axes.yaxis
    ours.set_label_text(axis.title, fontsize=8 if small else 10, color=_TEXT)
    if axis.scale == "doubling":
        (axes.set_xscale if which == "x" else axes.set_yscale)("log", base=2)
        ours.set_minor_locator(NullLocator())
    if axis.scale == "percent":
        ours.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))
    if axis.ticks:
        ticks = axis.ticks[::2] if small else axis.ticks
        ours.set_major_locator(FixedLocator([axis.place(tick) for tick in ticks]))
        ours.set_major_formatter(FixedFormatter([axis.text(tick) for tick in ticks]))
    elif axis.scale == "linear":
        ours.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if axis.ends is not None:
        (axes.set_xlim if which == "x" else axes.set_ylim)(*axis.ends)


def _write_guides(axes: Axes, chart: Chart, view: View, *, small: bool) -> None:
    for guide in view.guides:
        if small and guide.upright:
            continue  # there is no room beside the panel's title
        x, y = (guide.at, 1.01) if guide.upright else (1.005, chart.y.place(guide.at))
        axes.text(
            x,
            y,
            guide.says,
            transform=axes.get_xaxis_transform() if guide.upright else axes.get_yaxis_transform(),
            fontsize=6 if small else 8,
            color=_MUTED,
            ha="center" if guide.upright else "left",
            va="bottom" if guide.upright else "center",
        )


def _write_title(figure: Figure, title: str, below: str, letters: int) -> None:
    lines = [*textwrap.wrap(title, letters), *([below] if below else [])]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10.5, color=_TEXT)


def _add_legend(figure: Figure, views: Sequence[View], *, beside: bool) -> None:
    """One entry a name, to the right or below."""
    entries: dict[str, Line2D | Patch] = {}
    for series in (series for view in views for series in view.series):
        style = style_of(series.style)
        if series.kind == "band":
            entries[series.name] = Patch(color=style.light, alpha=0.18)
            continue
        hollow = series.hollow or style.symbol.endswith("-open")
        entries[series.name] = Line2D(
            [],
            [],
            color=style.light,
            marker="" if series.kind == "curve" else style.marker,
            markersize=5,
            markerfacecolor="white" if hollow else style.light,
            linestyle="none" if series.kind == "points" else (":" if series.hollow else "-"),
        )
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside right center" if beside else "outside lower center",
        ncols=1 if beside else 5,
        fontsize=8,
        frameon=False,
        labelcolor=_TEXT,
    )
