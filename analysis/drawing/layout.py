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

_LAYER_FRACTION = 0.62
"""Fraction of the distance between layers that pictures may take; weights need the rest."""


def neuron_boxes(parts: Parts, card: Card) -> dict[tuple[int, int], Box]:
    """Map each drawn neuron, as (layer, index in the layer), to its square.

    If the card's last weights lead into the decision region, the output's box is that region.
    """
    layers = _layers(parts, card)
    room = card.network.width / layers
    boxes: dict[tuple[int, int], Box] = {}
    for layer in range(layers):
        neurons = parts.shown[layer]
        squares = _squares(len(neurons), layer_centre(parts, card, layer), room, card.network)
        boxes |= {(layer, neuron): box for neuron, box in zip(neurons, squares, strict=True)}
    if card.into_region:
        boxes[layers, 0] = card.region
    return boxes


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
