"""Experiments that two [grid] tables of a sweep file have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from search.grid import Grid
from search.sweeps.grid import ORDER

_FIELDS = (*ORDER, "hyperparameters")

_MAX_COMPARED = 1_000_000
"""Combinations of several tables up to which they are searched for a repeated experiment."""


def find_repeated(tables: Sequence[Grid]) -> str | None:
    """An experiment that two tables have in common, in words; None where there is none.

    Tables that have no value of some key in common are told apart at once. If the others have more
    than a million combinations they are not compared.
    """
    values = [
        {key: grid.values(key) or frozenset({None}) for key in _FIELDS if key != "masks"}
        for grid in tables
    ]
    suspects = {
        number
        for one, other in combinations(range(len(tables)), 2)
        if not any(values[one][key].isdisjoint(values[other][key]) for key in values[one])
        for number in (one, other)
    }
    if sum(tables[number].size for number in suspects) > _MAX_COMPARED:
        return None
    # Hashes, since the specifications of a million experiments fill half a gigabyte.
    first_places: dict[int, tuple[int, int]] = {}
    for number in sorted(suspects):
        for index in range(tables[number].size):
            spec = _spec(tables[number][index])
            first, place = first_places.setdefault(hash(spec), (number, index))
            if first != number and _spec(tables[first][place]) == spec:
                shown = ", ".join(
                    f"{key} = {value!r}"
                    for key, value in zip(_FIELDS, spec, strict=True)
                    if value or key != "hyperparameters"
                )
                return (
                    f"[[grid]] table {first + 1}, combination {place + 1}, and table "
                    f"{number + 1}, combination {index + 1}, are the same experiment: {shown}"
                )
    return None


def _spec(combination: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(combination.get(key) for key in _FIELDS)
