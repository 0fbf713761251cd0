"""Colours and markers: a method looks the same in every plot.

The colours are those of Okabe and Ito (Color Universal Design, 2008), which are told apart in the
common kinds of colour blindness, and two more; every method has a marker of its own too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How something looks.

    Attributes:
        light: colour on white, #rrggbb.
        dark: colour on black.
        symbol: marker, as plotly names it.
        marker: the same one, as matplotlib names it.
    """

    light: str
    dark: str
    symbol: str
    marker: str


_STYLES = {
    "search": Style("#000000", "#ffffff", "circle", "o"),
    "gmp": Style("#0072b2", "#3d9ad6", "square", "s"),
    "lth": Style("#d55e00", "#f0792a", "diamond", "D"),
    "force": Style("#009e73", "#14b88a", "triangle-up", "^"),
    "rigl": Style("#b8578c", "#de8fb9", "cross", "P"),
    "snip": Style("#d08e00", "#e69f00", "triangle-down", "v"),
    "iter-snip": Style("#3a9fd8", "#74c4f0", "x", "X"),
    "grasp": Style("#8a5a2b", "#bf9566", "pentagon", "p"),
    "prospr": Style("#76797d", "#a5a9ae", "star", "*"),
    "synflow": Style("#9c8f00", "#f0e442", "hexagon", "h"),
    "random": Style("#000000", "#ffffff", "circle", "o"),
    "before": Style("#76797d", "#a5a9ae", "circle-open", "o"),
    "after": Style("#0072b2", "#3d9ad6", "square", "s"),
    "fewest": Style("#d55e00", "#f0792a", "diamond", "D"),
    "guide": Style("#8a9097", "#7b838c", "circle", "o"),
}

_OTHERS = ("#5e3c99", "#1b7837", "#b2182b", "#2166ac")


def style_of(key: str) -> Style:
    """The style of a method or of another thing that is plotted; a new method gets one too."""
    if key in _STYLES:
        return _STYLES[key]
    colour = _OTHERS[sum(map(ord, key)) % len(_OTHERS)]
    return Style(colour, colour, "diamond-tall", "d")
