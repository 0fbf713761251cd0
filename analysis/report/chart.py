"""What a plot shows, before a library draws it: `interactive` and `static` do that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Literal

Kind = Literal["steps", "line", "curve", "points", "band"]
"""steps: points, and a line that keeps its height up to the next; line: points on a straight line;
curve: the line alone; points: nothing between; band: the area between `low` and `high`."""


SMALLEST_REST = 0.0005
"""What is closer to 1 is drawn as if it were that close: 100 % has no place on the axis `nines`."""


@dataclass(frozen=True)
class Series:
    """Points of one kind.

    Attributes:
        name: in the legend.
        style: a method, or another name of `styles`; decides colour and marker.
        x: places.
        y: heights; text on an axis of categories.
        kind: how it is drawn.
        low: lower ends of intervals; None without.
        high: upper ends.
        networks: the experiment_id behind each point, None where there is none.
        notes: what is said of each point beside its numbers.
        hollow: markers without a filling, and a dashed line.
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
        title: with the unit.
        scale: `percent` is a fraction that is drawn in percent; `nines` is one too, with equal
            steps for equal ratios of the rest to 1, so that 99 % and 99.9 % are apart as 90 % and
            99 % are; `doubling` has equal steps for equal ratios; `categories` are texts, the first
            one on top.
        limits: lowest and highest value; None for what there is.
        ticks: values that are written out; none for the library's choice.
    """

    title: str
    scale: Literal["linear", "percent", "nines", "doubling", "categories"] = "linear"
    limits: tuple[float, float] | None = None
    ticks: Sequence[float] = ()

    def place(self, value: float) -> float:
        """Where a value lies on an axis with even steps; a fraction in percent, or in nines."""
        if self.scale == "percent":
            return 100 * value
        return -log10(max(1 - value, SMALLEST_REST)) if self.scale == "nines" else value

    @property
    def ends(self) -> tuple[float, float] | None:
        """The places of the limits; with room for markers above the last one of `nines`."""
        if self.limits is None:
            return None
        low, high = (self.place(limit) for limit in self.limits)
        return (low, high + 0.1) if self.scale == "nines" else (low, high)

    def text(self, value: float) -> str:
        """A value as it is written at the axis."""
        return f"{100 * value:g} %" if self.scale in ("percent", "nines") else f"{value:g}"


@dataclass(frozen=True)
class Guide:
    """A straight line across a plot, such as that of an accuracy.

    Attributes:
        at: where.
        says: what is written at it.
        upright: at a place of the x axis, rather than at a height.
        style: as in `Series`.
    """

    at: float
    says: str
    upright: bool = False
    style: str = "guide"


@dataclass(frozen=True)
class Selector:
    """A choice among views.

    Attributes:
        label: what is chosen.
        options: the choices as they are shown.
        first: the one at the start.
        beside: how a choice is written where no label stands beside it; {} is the option.
    """

    label: str
    options: Sequence[str]
    first: str
    beside: str = "{}"


@dataclass(frozen=True)
class View:
    """What a plot shows for one choice of each selector."""

    series: Sequence[Series]
    guides: Sequence[Guide] = ()


Views = dict[tuple[str, ...], View]
"""The choices, one of each selector -> what is shown."""


@dataclass(frozen=True)
class Chart:
    """A plot.

    Attributes:
        name: of its files, and in the page.
        title: a sentence that says what is plotted.
        says: what there is to see, for whoever cannot see it, too.
        x: axis.
        y: axis.
        views: one for each combination of the selectors' options, in that order.
        selectors: none for a plot with a single view, whose key is ().
        tables: names of the answers that it is drawn from.
    """

    name: str
    title: str
    says: str
    x: Axis
    y: Axis
    views: Mapping[tuple[str, ...], View]
    tables: Sequence[str]
    selectors: Sequence[Selector] = ()

    @property
    def first(self) -> tuple[str, ...]:
        """The choice at the start."""
        return tuple(selector.first for selector in self.selectors)

    @property
    def names_itself(self) -> bool:
        """Whether its axis names every series, so that a legend would say it twice."""
        every = [series for view in self.views.values() for series in view.series]
        return self.y.scale == "categories" and all(list(s.y) == [s.name] for s in every)

    @property
    def is_empty(self) -> bool:
        """Whether no view has a point."""
        return not any(series.x for view in self.views.values() for series in view.series)
