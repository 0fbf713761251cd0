"""Colours and markers: a method looks the same in every figure."""

from __future__ import annotations

from search.methods import all_methods
from search.styles import Style

_STYLES = {
    "random": Style("#000000", "#ffffff", "circle"),
    "before": Style("#76797d", "#a5a9ae", "circle-open"),
    "after": Style("#0072b2", "#3d9ad6", "square"),
    "fewest": Style("#d55e00", "#f0792a", "diamond"),
    "guide": Style("#8a9097", "#7b838c", "circle"),
}
"""Styles of series that are not methods."""

_OTHERS = ("#5e3c99", "#1b7837", "#b2182b", "#2166ac")


def style_of(key: str) -> Style:
    """Return the style of a method or another series; a method without one gets one by its name."""
    if key in _STYLES:
        return _STYLES[key]
    method = all_methods().get(key)
    if method is not None and method.style is not None:
        return method.style
    colour = _OTHERS[sum(map(ord, key)) % len(_OTHERS)]
    return Style(colour, colour, "diamond-tall")
