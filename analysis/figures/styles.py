"""Styles of series that are not methods; those of methods are in `analysis.methods`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from analysis.methods import method_styles
from search.styles import Style

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

Styles = Mapping[str, Style]
"""Key of a series -> style."""


def styles_for(methods: Iterable[str]) -> Styles:
    """Return the styles of all series of figures about these methods."""
    return OTHER_STYLES | method_styles(methods)
