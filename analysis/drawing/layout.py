"""Positions of a network's neurons on its card. All lengths are inches."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.drawing.cards import Box, Card
from analysis.drawing.parts import Parts

_MAX_SIDE = 1.0
"""Largest side of a neuron's picture."""

_MAX_COLUMNS = 3
"""Maximum number of columns for the neurons of one layer."""

_MIN_GAIN = 1.25
"""Factor by which pictures must grow for a further column to be worth it."""

_FILL = 0.84
"""Side of a picture as a fraction of the space for it."""

_IMAGE_FRACTION = 0.85
"""Width of an image of the inputs as a fraction of the distance between layers."""

_LAYER_FRACTION = 0.62
"""Fraction of the distance between layers that pictures may take; weights need the rest."""


def neuron_boxes(
    parts: Parts, card: Card, image_shape: tuple[int, int] | None = None
) -> dict[tuple[int, int], Box]:
    """Map each drawn neuron, as (layer, index in the layer), to its square.

    If the card's last weights lead into the decision region, the output's box is that region.

    Args:
        parts: parts of the network.
        card: layout of the drawing.
        image_shape: (height, width) if the inputs are pixels, which form one image.
    """
    layers = _layers(parts, card)
    room = card.network.width / layers
    boxes: dict[tuple[int, int], Box] = {}
    if image_shape is not None:
        boxes |= _pixel_boxes(image_box(parts, card, image_shape), image_shape)
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
    pixel = min(room * _IMAGE_FRACTION / width, card.network.height / height)
    centre = layer_centre(parts, card, 0)
    x, y = centre - width * pixel / 2, card.network.middle - height * pixel / 2
    return Box(x, y, width * pixel, height * pixel)


def _pixel_boxes(image: Box, image_shape: tuple[int, int]) -> dict[tuple[int, int], Box]:
    """Map each input to its pixel; the first row is at the top."""
    height, width = image_shape
    side = image.width / width
    return {
        (0, row * width + column): Box(
            image.x + column * side, image.top - (row + 1) * side, side, side
        )
        for row in range(height)
        for column in range(width)
    }


def layer_centre(parts: Parts, card: Card, layer: int) -> float:
    """Return the x coordinate of a layer's centre."""
    return card.network.x + (layer + 0.5) * card.network.width / _layers(parts, card)


def _layers(parts: Parts, card: Card) -> int:
    return len(parts.sizes) - 1 if card.into_region else len(parts.sizes)


def _squares(count: int, centre: float, room: float, area: Box) -> Sequence[Box]:
    """Return the squares of a layer from top to bottom, alternating between its columns."""
    columns, side = 1, _side(count, 1, room, area)
    for more in range(2, _MAX_COLUMNS + 1):
        if _side(count, more, room, area) > side * _MIN_GAIN:
            columns, side = more, _side(count, more, room, area)
    step = side / (columns * _FILL)
    top = area.middle + step * (count - 1) / 2
    shift = side / _FILL
    return [
        Box(
            centre + (index % columns - (columns - 1) / 2) * shift - side / 2,
            top - index * step - side / 2,
            side,
            side,
        )
        for index in range(count)
    ]


def _side(count: int, columns: int, room: float, area: Box) -> float:
    """Return the largest side of `count` pictures in this number of columns."""
    step = area.height / (count - 1 + columns * _FILL) if count else _MAX_SIDE
    return min(_MAX_SIDE, step * columns * _FILL, room * _LAYER_FRACTION / columns)
