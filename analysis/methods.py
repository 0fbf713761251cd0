"""The methods as people read them: how their papers spell them, and in which order they stand."""

from __future__ import annotations

from typing import Final

SEARCH: Final = "search"

PRUNING: Final = (
    "gmp",
    "lth",
    "force",
    "rigl",
    "snip",
    "iter-snip",
    "grasp",
    "prospr",
    "synflow",
)
"""The paper's nine algorithms, in the order of legends and tables."""

_IN_PROSE: Final = {
    "gmp": "GMP",
    "lth": "LTH",
    "force": "FORCE",
    "rigl": "RigL",
    "snip": "SNIP",
    "iter-snip": "Iter SNIP",
    "grasp": "GraSP",
    "prospr": "ProsPr",
    "synflow": "SynFlow",
}


def name_of(method: str) -> str:
    """A method in prose; one that is not the paper's is called what it calls itself."""
    return _IN_PROSE.get(method, method)


def in_order(methods: set[str]) -> list[str]:
    """The search first, then the algorithms of the paper, then others."""
    known = [method for method in (SEARCH, *PRUNING) if method in methods]
    return known + sorted(methods - set(known))
