"""Pages and where the parts of each network lie on them.

All lengths are inches, from the lower left corner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Box:
    """A rectangle.

    Attributes:
        x: left edge.
        y: lower edge.
        width: to the right edge.
        height: to the upper edge.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Height of the centre."""
        return self.y + self.height / 2

    def moved(self, x: float, y: float) -> Box:
        """The same, further to the right and up."""
        return Box(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True)
class Card:
    """Where the parts of one network's drawing lie.

    Attributes:
        title: where its first line of text begins, at the top left.
        network: the neurons and weights, with a line for the layers' names above.
        region: the decision region, a square.
        numbers: the table of numbers.
        number_columns: of the table.
        into_region: whether the last weights lead into the decision region; otherwise the output
            is a neuron of its own.
        title_size: of the font, in points.
    """

    title: Box
    network: Box
    region: Box
    numbers: Box
    number_columns: int
    into_region: bool
    title_size: float

    def moved(self, x: float, y: float) -> Card:
        """The same, further to the right and up."""
        names = ("title", "network", "region", "numbers")
        return replace(self, **{name: getattr(self, name).moved(x, y) for name in names})


@dataclass(frozen=True)
class Page:
    """A page with a card for each of some networks.

    Attributes:
        width: of the page.
        height: likewise.
        cards: from left to right, and then from top to bottom.
    """

    width: float
    height: float
    cards: tuple[Card, ...]

    @classmethod
    def of(cls, networks: int) -> Self:
        """The page for so many networks: one alone, up to three side by side, more in two rows."""
        if networks == 1:
            return cls(ALONE_WIDTH, HEIGHT, (ALONE,))
        columns = networks if networks <= _MOST_COLUMNS else -(-networks // 2)
        rows = -(-networks // columns)
        cards = []
        for number in range(networks):
            row, column = divmod(number, columns)
            cards.append(BESIDE.moved(column * BESIDE_WIDTH, (rows - 1 - row) * BESIDE_HEIGHT))
        return cls(columns * BESIDE_WIDTH, HEIGHT + (rows - 1) * BESIDE_HEIGHT, tuple(cards))


_MOST_COLUMNS = 3
"""In a row; with more of them a page's width leaves no letter legible."""

HEIGHT = 7.5
ALONE = Card(
    title=Box(0.4, 6.8, 12.5, 0.6),
    network=Box(0.4, 1.1, 8.05, 4.85),
    region=Box(8.95, 2.5, 4.0, 4.0),
    numbers=Box(8.95, 0.2, 4.3, 2.15),
    number_columns=2,
    into_region=True,
    title_size=19,
)
"""One network on a page as wide as a slide."""

ALONE_WIDTH = 13.33
BESIDE = Card(
    title=Box(0.35, 6.83, 6.0, 0.6),
    network=Box(0.35, 3.95, 6.0, 2.2),
    region=Box(0.35, 0.95, 2.75, 2.75),
    numbers=Box(3.35, 0.95, 3.0, 2.75),
    number_columns=1,
    into_region=False,
    title_size=16,
)
"""One of several networks, in the lowest row, above the legend."""

BESIDE_WIDTH = 6.665
BESIDE_HEIGHT = 6.75
"""From one row of networks to the next."""

LEGEND_HEIGHT = 0.52
"""Height of the legend's middle over the lower edge of the page."""
