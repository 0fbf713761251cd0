"""Layout of a page: the parts of each drawn network, and its neurons.

All lengths are inches, measured from the lower left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.drawing.parts import Parts


@dataclass(frozen=True)
class Box:
    """A rectangle, given by its left and lower edge."""

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
        """Return the box shifted right by `x` and up by `y`."""
        return Box(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True)
class Card:
    """Layout of one network's drawing.

    Attributes:
        title: start of the first line of text, at the top left; its font size is in points.
        network: area of the neurons and weights; the layer names go above it.
        region: the decision region, a square.
        numbers: the table of numbers, in columns.
        into_region: whether the last weights lead into the decision region; otherwise the output is
            drawn as a neuron.
    """

    title: Box
    network: Box
    region: Box
    numbers: Box
    number_columns: int
    into_region: bool
    title_size: float

    def above_legend(self) -> Card:
        """Return the card with the table of numbers above the legend, in smaller steps."""
        area, floor = self.numbers, LEGEND_HEIGHT + 0.3
        raised = Box(area.x, floor, area.width, area.top - floor) if area.y < floor else area
        return replace(self, numbers=raised)

    @property
    def confusion(self) -> Box:
        """The confusion matrix, a square; names of classes go left of it and below it."""
        names, area = 0.42, self.region
        return Box(area.x + names, area.y + names, area.width - names, area.height - names)

    def moved(self, x: float, y: float) -> Card:
        """Return the card shifted right by `x` and up by `y`."""
        names = ("title", "network", "region", "numbers")
        return replace(self, **{name: getattr(self, name).moved(x, y) for name in names})


def page_of(networks: int) -> tuple[Box, list[Card]]:
    """Return the page for this number of networks, and their cards in rows from the top.

    Up to three are side by side, more in two rows: with more than three in a row, text is too
    small to read at page width.
    """
    if networks == 1:
        return Box(0, 0, 13.33, HEIGHT), [SINGLE]
    columns = networks if networks <= 3 else -(-networks // 2)
    rows = -(-networks // columns)
    cards = [
        SHARED.moved(column * SHARED_WIDTH, (rows - 1 - row) * SHARED_HEIGHT)
        for row, column in (divmod(number, columns) for number in range(networks))
    ]
    return Box(0, 0, columns * SHARED_WIDTH, HEIGHT + (rows - 1) * SHARED_HEIGHT), cards


HEIGHT = 7.5
"""Height of a page with one row of cards."""

SINGLE = Card(
    title=Box(0.4, 6.8, 12.5, 0.6),
    network=Box(0.4, 1.1, 8.05, 4.85),
    region=Box(8.95, 2.5, 4.0, 4.0),
    numbers=Box(8.95, 0.2, 4.3, 2.15),
    number_columns=2,
    into_region=True,
    title_size=19,
)
"""Card of a single network on a page with the proportions of a slide."""

SHARED = Card(
    title=Box(0.35, 6.83, 6.0, 0.6),
    network=Box(0.35, 3.95, 6.0, 2.2),
    region=Box(0.35, 0.95, 2.75, 2.75),
    numbers=Box(3.35, 0.95, 3.0, 2.75),
    number_columns=1,
    into_region=False,
    title_size=16,
)
"""Card of one of several networks, in the lowest row, above the legend."""

SHARED_WIDTH = 6.665
"""Distance between neighbouring cards of a row."""

SHARED_HEIGHT = 6.75
"""Distance between rows of cards."""

LEGEND_HEIGHT = 0.52
"""Height of the legend's middle above the lower edge of the page."""

_MAX_SIDE = 1.0
"""Largest side of a neuron's picture."""

_FILL = 0.84
"""Side of a picture as a fraction of the space for it."""


def neuron_boxes(
    parts: Parts, card: Card, image_shape: tuple[int, int] | None = None
) -> dict[tuple[int, int], Box]:
    """Map each drawn neuron, as (layer, index in the layer), to its square.

    If the card's last weights lead into the decision region, the output's box is that region. With
    an image of the inputs, of shape (height, width), each input has its pixel.
    """
    layers = _layers(parts, card)
    room = card.network.width / layers
    boxes: dict[tuple[int, int], Box] = {}
    if image_shape is not None:
        image, (height, width) = image_box(parts, card, image_shape), image_shape
        side = image.width / width
        for pixel in range(height * width):  # the first row is at the top
            row, column = divmod(pixel, width)
            x, y = image.x + column * side, image.top - (row + 1) * side
            boxes[0, pixel] = Box(x, y, side, side)
    for layer in range(0 if image_shape is None else 1, layers):
        neurons = parts.drawn[layer]
        squares = _squares(len(neurons), layer_centre(parts, card, layer), room, card.network)
        boxes |= {(layer, neuron): box for neuron, box in zip(neurons, squares, strict=True)}
    if card.into_region:
        boxes[layers, 0] = card.region
    return boxes


def image_box(parts: Parts, card: Card, image_shape: tuple[int, int]) -> Box:
    """Return the rectangle of the inputs if they are pixels of an image."""
    height, width = image_shape
    room = card.network.width / _layers(parts, card)
    pixel = min(room * 0.85 / width, card.network.height / height)
    centre = layer_centre(parts, card, 0)
    x, y = centre - width * pixel / 2, card.network.middle - height * pixel / 2
    return Box(x, y, width * pixel, height * pixel)


def layer_centre(parts: Parts, card: Card, layer: int) -> float:
    """Return the x coordinate of a layer's centre."""
    return card.network.x + (layer + 0.5) * card.network.width / _layers(parts, card)


def _layers(parts: Parts, card: Card) -> int:
    return len(parts.sizes) - 1 if card.into_region else len(parts.sizes)


def _squares(count: int, centre: float, room: float, area: Box) -> Sequence[Box]:
    """Return the squares of a layer from top to bottom, alternating between its columns."""
    columns, side = 1, _side(count, 1, room, area)
    for more in (2, 3):
        # A further column is worth it only if pictures grow.
        if _side(count, more, room, area) > side * 1.25:
            columns, side = more, _side(count, more, room, area)
    step, shift = side / (columns * _FILL), side / _FILL
    top, last = area.middle + step * (count - 1) / 2, columns - 1
    corners = (
        (centre + (at % columns - last / 2) * shift - side / 2, top - at * step - side / 2)
        for at in range(count)
    )
    return [Box(x, y, side, side) for x, y in corners]


def _side(count: int, columns: int, room: float, area: Box) -> float:
    """Return the largest side of `count` pictures in this number of columns."""
    step = area.height / (count - 1 + columns * _FILL) if count else _MAX_SIDE
    # Weights need the rest of the distance between layers.
    return min(_MAX_SIDE, step * columns * _FILL, room * 0.62 / columns)
