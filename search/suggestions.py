"""Hints at the name that the user probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(word: str, names: Iterable[str]) -> str:
    """Return a hint, such as " (did you mean 'xor'?)", or nothing if no name is similar.

    It names those that start with the word, or else the closest one, ignoring case.
    """
    by_lower = {name.lower(): name for name in names}
    start = word.lower()
    found = [name for name in by_lower if start and name.startswith(start)]
    similar = found or get_close_matches(start, list(by_lower), n=1)
    if not similar:
        return ""
    return f" (did you mean {' or '.join(repr(by_lower[name]) for name in similar)}?)"
