"""Names and order of methods in reports."""

from __future__ import annotations

from typing import Final

from search.methods import METHODS, all_methods

SEARCH: Final = "search"

PRUNING: Final = tuple(name for name, method in METHODS.items() if method.chooses_masks)
"""The paper's nine algorithms, in the order of legends and tables."""


def name_of(method: str) -> str:
    """Return the display name of a method; `method` itself if it has none or is not installed."""
    found = all_methods().get(method)
    return (found and found.display_name) or method


def in_order(methods: set[str]) -> list[str]:
    """Sort methods: the search, then the paper's algorithms, then others by name."""
    known = [method for method in METHODS if method in methods]
    return known + sorted(methods - set(known))
