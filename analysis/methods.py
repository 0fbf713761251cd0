"""Names and order of methods, and styles of the series of figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Final

from search.methods import METHODS, all_methods
from search.styles import Style

SEARCH: Final = "search"

_COLOURS: Final = (
    ("#5e3c99", "#a98bdc"),
    ("#1b7837", "#5fbf7f"),
    ("#b2182b", "#ee7a88"),
    ("#2166ac", "#7fb4e6"),
    ("#a0522d", "#d99a72"),
    ("#c2186b", "#f08ab8"),
    ("#3f5d20", "#9cc069"),
)
"""Colours on a light and on a dark background for methods without a style."""

_MARKERS: Final = ("diamond-tall", "star", "hexagon", "triangle-up", "square", "pentagon")
"""Markers for methods without a style; their number shares no factor with that of the colours."""

OTHER_STYLES: Final = {
    "random": Style("#000000", "#ffffff", "circle"),
    "before": Style("#76797d", "#a5a9ae", "circle-open"),
    "after": Style("#0072b2", "#3d9ad6", "square"),
    "fewest": Style("#d55e00", "#f0792a", "diamond"),
    "fourth": Style("#009e73", "#14b88a", "triangle-up"),
    "fifth": Style("#b8578c", "#de8fb9", "triangle-down"),
    "record": Style("#c00000", "#ff6b6b", "star"),
    "guide": Style("#8a9097", "#7b838c", "circle"),
}
"""Styles of series that are not methods."""

Styles = Mapping[str, Style]
"""Key of a series -> style."""


def name_of(method: str) -> str:
    """Return the display name of a method, which may be followed by its settings.

    "snip (batches=4)" becomes "SNIP (batches=4)". A method without a display name, or one that is
    not installed, keeps its name.
    """
    base, *settings = method.partition(" (")
    found = all_methods().get(base)
    return "".join([(found and found.display_name) or base, *settings])


def _base(method: str) -> str:
    """Return a method's name without its settings."""
    return method.partition(" (")[0]


def in_order(methods: Iterable[str]) -> list[str]:
    """Sort methods: the search, the built-in algorithms, then others by name; settings last."""
    known = list(METHODS)

    def key(method: str) -> tuple[int, str]:
        base = _base(method)
        return (known.index(base) if base in METHODS else len(known), method)

    return sorted(set(methods), key=key)


def styles_for(methods: Iterable[str]) -> Styles:
    """Return the styles of all series: a method's own, else one that no other method has.

    Settings do not change the style while no two methods differ in their settings alone. `methods`
    are all methods of the results, so that every figure of them gives a method the same style.
    """
    known = [method.style for method in all_methods().values() if method.style is not None]
    taken = {(style.light, style.symbol) for style in known}
    free = (
        Style(light, dark, symbol)
        for (light, dark), symbol in zip(cycle(_COLOURS), cycle(_MARKERS), strict=False)
        if (light, symbol) not in taken
    )
    styles = dict(OTHER_STYLES)
    ordered = in_order(methods)
    variants = Counter(map(_base, ordered))
    for method in ordered:
        found = all_methods().get(_base(method) if variants[_base(method)] == 1 else method)
        styles[method] = (found and found.style) or next(free)
    return styles
