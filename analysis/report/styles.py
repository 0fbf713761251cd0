"""Names, colours and markers: a method looks the same in every plot.

The colours are those of Okabe and Ito (Color Universal Design, 2008), which are told apart in the
common kinds of colour blindness, and two more; every method has a marker of its own too.
"""

from __future__ import annotations

from dataclasses import dataclass

SEARCH = "search"

PRUNING = ("gmp", "lth", "force", "rigl", "snip", "iter-snip", "grasp", "prospr", "synflow")
"""The paper's nine algorithms, in the order of legends and tables."""


@dataclass(frozen=True)
class Style:
    """How something looks.

    Attributes:
        name: as its paper spells it.
        light: colour on white, #rrggbb.
        dark: colour on black.
        symbol: marker, as plotly names it.
        marker: the same one, as matplotlib names it.
    """

    name: str
    light: str
    dark: str
    symbol: str
    marker: str


_STYLES = {
    "search": Style("search", "#000000", "#ffffff", "circle", "o"),
    "gmp": Style("GMP", "#0072b2", "#3d9ad6", "square", "s"),
    "lth": Style("LTH", "#d55e00", "#f0792a", "diamond", "D"),
    "force": Style("FORCE", "#009e73", "#14b88a", "triangle-up", "^"),
    "rigl": Style("RigL", "#b8578c", "#de8fb9", "cross", "P"),
    "snip": Style("SNIP", "#d08e00", "#e69f00", "triangle-down", "v"),
    "iter-snip": Style("Iter SNIP", "#3a9fd8", "#74c4f0", "x", "X"),
    "grasp": Style("GraSP", "#8a5a2b", "#bf9566", "pentagon", "p"),
    "prospr": Style("ProsPr", "#76797d", "#a5a9ae", "star", "*"),
    "synflow": Style("SynFlow", "#9c8f00", "#f0e442", "hexagon", "h"),
    "random": Style("random mask", "#000000", "#ffffff", "circle", "o"),
    "before": Style("", "#76797d", "#a5a9ae", "circle-open", "o"),
    "after": Style("", "#0072b2", "#3d9ad6", "square", "s"),
    "fewest": Style("", "#d55e00", "#f0792a", "diamond", "D"),
    "guide": Style("", "#8a9097", "#7b838c", "circle", "o"),
}

_OTHERS = ("#5e3c99", "#1b7837", "#b2182b", "#2166ac")


def style_of(key: str) -> Style:
    """The style of a method or of another thing that is plotted; a new method gets one too."""
    if key in _STYLES:
        return _STYLES[key]
    colour = _OTHERS[sum(map(ord, key)) % len(_OTHERS)]
    return Style(key, colour, colour, "diamond-tall", "d")


def name_of(method: str) -> str:
    """A method in prose."""
    return style_of(method).name


def in_order(methods: set[str]) -> list[str]:
    """The search first, then the algorithms of the paper, then others."""
    known = [method for method in (SEARCH, *PRUNING) if method in methods]
    return known + sorted(methods - set(known))
