"""The appearance of methods in figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Marker = str | tuple[int, Literal[0, 1, 2], int]
"""Marker of matplotlib: a name, or number of sides, style and angle of a regular polygon."""

MARKERS: dict[str, Marker] = {
    "circle": "o",
    "circle-open": "o",
    "square": "s",
    "diamond": "D",
    "diamond-tall": "d",
    "triangle-up": "^",
    "triangle-down": "v",
    "triangle-left": "<",
    "triangle-right": ">",
    "cross": "P",
    "x": "X",
    "pentagon": "p",
    "star": "*",
    "hexagon": "h",
    "hexagon2": "H",
    "octagon": "8",
    "star-diamond": (4, 1, 0),
    "hexagram": (6, 1, 0),
}
"""Plotly's name of a marker -> matplotlib's marker of the same shape."""


@dataclass(frozen=True)
class Style:
    """Colours and marker of a series.

    Attributes:
        light: colour on a white background, #rrggbb.
        dark: colour on a black background.
        symbol: marker, a key of `MARKERS`.

    Raises:
        ValueError: a colour or the marker is not valid.

    Example:
        >>> import sparsest
        >>> style = sparsest.Style(light="#b83280", dark="#ff7ac6", symbol="star")
        >>> method = sparsest.Method("mine", "before", sparsest.TO_TARGET, style=style)
        >>> method.style.marker
        '*'
    """

    light: str
    dark: str
    symbol: str

    def __post_init__(self) -> None:
        for colour in (self.light, self.dark):
            if not re.fullmatch("#[0-9a-f]{6}", colour):
                raise ValueError(f"colour {colour!r} is not #rrggbb in lower case")
        if self.symbol not in MARKERS:
            raise ValueError(f"unknown symbol {self.symbol!r}; allowed: {', '.join(MARKERS)}")

    @property
    def marker(self) -> Marker:
        """Matplotlib's marker."""
        return MARKERS[self.symbol]
