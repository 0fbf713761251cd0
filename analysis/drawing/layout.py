"""Where the neurons of a network lie on its card. All lengths are inches."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.drawing.cards import Box, Card
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
