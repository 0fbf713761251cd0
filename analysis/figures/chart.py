"""Description of a figure, which `plotly_figure` and `matplotlib_figure` draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log10
from typing import Literal

Kind = Literal["steps", "line", "curve", "points", "band", "range"]
"""steps: markers, and a line that keeps its height until the next one; line: markers joined by
straight lines; curve: a line without markers; points: markers alone; band: the area between `low`
and `high`; range: a bar from `low` to `high` on an axis of categories."""

MIN_REST = 0.0005
"""Smallest distance from 1 on an axis `nines`, on which 100 % would be at infinity."""

MAX_PANELS = 12
"""Maximum number of views that are drawn side by side in one file."""


@dataclass(frozen=True)
class Series:
    """Data of one kind in a figure.

    Attributes:
        name: entry in the legend.
        style: method or other key of `analysis.methods`; decides colour and marker.
        x, y: values; `y` are texts on an axis of categories.
        low, high: ends of intervals; None for no intervals.
        networks, notes: experiment_id of the network of each point, if it has one, and text about
            it.
        hollow: whether markers are hollow and lines dashed.
    """

    name: str
    style: str
    x: Sequence[float]
    y: Sequence[float | str]
    kind: Kind = "line"
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    networks: Sequence[str | None] = ()
    notes: Sequence[str] = ()
    hollow: bool = False


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        title: quantity, with its unit.
        scale: `percent` shows fractions as percentages; `nines` does so with equal distances for
            equal ratios of the rest to 1, so that 99 % and 99.9 % are as far apart as 90 % and
            99 %; `doubling` has equal distances for equal ratios; `categories` are texts, the
            first one on top.
        limits: lowest and highest value; None: those of the data.
        ticks: values with a label; empty: chosen by the library.
    """

    title: str
    scale: Literal["linear", "percent", "nines", "doubling", "categories"] = "linear"
    limits: tuple[float, float] | None = None
    ticks: Sequence[float] = ()

    def position(self, value: float) -> float:
        """Return a value's position on an axis with even steps: a percentage, or nines."""
        if self.scale == "percent":
            return 100 * value
        return -log10(max(1 - value, MIN_REST)) if self.scale == "nines" else value

    def positions(self, values: Iterable[float]) -> list[float]:
        """Return the positions of several values."""
        return [self.position(value) for value in values]

    @property
    def ends(self) -> tuple[float, float] | None:
        """Positions of the limits."""
        if self.limits is None:
            return None
        low, high = self.positions(self.limits)
        # Space above the limit, so that markers there are not cut.
        return (low, high + 0.1) if self.scale == "nines" else (low, high)

    def text(self, value: float) -> str:
        """Return the label of a value; on an axis `nines` its upper end is a range."""
        if self.scale == "nines" and value >= 1 - MIN_REST:
            return f"{100 * (1 - MIN_REST):g} to 100 %"
        return f"{100 * value:g} %" if self.scale in ("percent", "nines") else f"{value:g}"


@dataclass(frozen=True)
class Guide:
    """A reference line at a value of the y axis, or of the x axis, with a text beside it."""

    at: float
    label: str
    vertical: bool = False
    style: str = "guide"


@dataclass(frozen=True)
class Selector:
    """A choice of the view.

    Attributes:
        label: name of the choice.
        preferred: initial value, if it is possible; otherwise the first one is.
        beside: text for a value that is shown without the label; {} is the value.
    """

    label: str
    preferred: str = ""
    beside: str = "{}"


@dataclass(frozen=True)
class View:
    """Contents of a figure for one combination of selector values."""

    series: Sequence[Series]
    guides: Sequence[Guide] = ()

    @property
    def categories(self) -> list[float | str]:
        """The y values, each once, as they follow each other on an axis of categories."""
        return list(dict.fromkeys(y for series in self.series for y in series.y))


Views = dict[tuple[str, ...], View]


@dataclass(frozen=True)
class Chart:
    """A figure.

    Attributes:
        name: stem of its files, and id in the page.
        title, caption: heading, and explanation below the figure.
        x, y: axes.
        views: selector values -> view, for each combination.
        tables: names of the tables with its data.
        selectors: choices; none for a single view, whose key is ().
    """

    name: str
    title: str
    caption: str
    x: Axis
    y: Axis
    views: Views
    tables: Sequence[str] = ()
    selectors: Sequence[Selector] = ()

    @property
    def options(self) -> list[list[str]]:
        """Possible values of each selector."""
        return [list(dict.fromkeys(values)) for values in zip(*self.views, strict=True)]

    @property
    def first(self) -> tuple[str, ...]:
        """Initial selector values."""
        return tuple(
            selector.preferred if selector.preferred in options else options[0]
            for selector, options in zip(self.selectors, self.options, strict=True)
        )

    @property
    def all_series(self) -> Iterator[Series]:
        """Series of all views."""
        return (series for view in self.views.values() for series in view.series)

    @property
    def axis_is_legend(self) -> bool:
        """Whether the y axis names every series, so that no legend is needed."""
        return self.y.scale == "categories" and all(
            set(series.y) == {series.name} for series in self.all_series
        )

    @property
    def has_panels(self) -> bool:
        """Whether all views fit side by side in one file."""
        return 2 <= len(self.views) <= MAX_PANELS

    @property
    def is_empty(self) -> bool:
        """Whether no view has data."""
        return not any(series.x for series in self.all_series)


def untitled(x: Axis, y: Axis, view: View) -> Chart:
    """Return a figure of one view, for a file or a notebook that says what it shows."""
    return Chart("", "", "", x, y, {(): view})
