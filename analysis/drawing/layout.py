"""Where everything of a drawing lies. All lengths are inches, from the lower left corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.drawing.parts import Parts

_LARGEST = 1.0
"""Side of a neuron's picture where there is room."""

_MOST_FILES = 3
"""A layer of many neurons is drawn in several files, so that their pictures stay larger."""

_WORTH_A_FILE = 1.25
"""How much larger they must become for that."""

_GAP = 0.84
"""Side of a picture as a share of the room for it."""

_SHARE = 0.62
"""Part of the way from layer to layer that pictures may take; the rest is for the weights."""


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

    def moved(self, x: float) -> Box:
        """The same, further to the right."""
        return Box(self.x + x, self.y, self.width, self.height)


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

    def moved(self, x: float) -> Card:
        """The same, further to the right."""
        names = ("title", "network", "region", "numbers")
        return replace(self, **{name: getattr(self, name).moved(x) for name in names})


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
"""One of several networks, side by side."""

BESIDE_WIDTH = 6.665
LEGEND_HEIGHT = 0.52
"""Height of the legend's middle over the lower edge of the page."""


def neuron_boxes(parts: Parts, card: Card) -> dict[tuple[int, int], Box]:
    """Where each drawn neuron lies: (layer, place in it) -> its square.

    The output of a card whose weights lead into the decision region lies there.
    """
    columns = _columns(parts, card)
    room = card.network.width / columns
    boxes: dict[tuple[int, int], Box] = {}
    for layer in range(columns):
        places = parts.shown[layer]
        squares = _column(len(places), column_centre(parts, card, layer), room, card.network)
        boxes |= {(layer, place): box for place, box in zip(places, squares, strict=True)}
    if card.into_region:
        boxes[columns, 0] = card.region
    return boxes


def column_centre(parts: Parts, card: Card, layer: int) -> float:
    """How far to the right a layer is drawn."""
    return card.network.x + (layer + 0.5) * card.network.width / _columns(parts, card)


def _columns(parts: Parts, card: Card) -> int:
    return len(parts.sizes) - 1 if card.into_region else len(parts.sizes)


def _column(count: int, centre: float, room: float, area: Box) -> Sequence[Box]:
    """Squares below one another, in up to `_MOST_FILES` files that take turns."""
    files, side = 1, _side(count, 1, room, area)
    for more in range(2, _MOST_FILES + 1):
        if _side(count, more, room, area) > side * _WORTH_A_FILE:
            files, side = more, _side(count, more, room, area)
    step = side / (files * _GAP)
    top = area.middle + step * (count - 1) / 2
    shift = side / _GAP
    return [
        Box(
            centre + (place % files - (files - 1) / 2) * shift - side / 2,
            top - place * step - side / 2,
            side,
            side,
        )
        for place in range(count)
    ]


def _side(count: int, files: int, room: float, area: Box) -> float:
    """How large the pictures can be."""
    step = area.height / (count - 1 + files * _GAP) if count else _LARGEST
    return min(_LARGEST, step * files * _GAP, room * _SHARE / files)
