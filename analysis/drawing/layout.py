"""Positions of a network's neurons on its card. All lengths are inches."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.drawing.cards import Box, Card
from analysis.drawing.parts import Parts

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
