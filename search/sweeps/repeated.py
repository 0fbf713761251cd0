"""Experiments that are in two [grid] tables of a sweep file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from search.experiment import OPTIONAL_FIELDS
from search.grid import Grid
from search.sweeps.grid import ORDER

_FIELDS = (*(key for key in ORDER if key != "depth"), "hyperparameters")

_MAX_COMPARED = 1_000_000
"""Maximum number of combinations that are compared."""


def find_repeated(tables: Sequence[Grid]) -> str | None:
    """Return a message about an experiment that is in two tables; None if there is none.

    Tables without a common value of some key have no common experiment. If the other tables have
    more than a million combinations, they are not compared.
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
    # Hashes, because the specifications of a million experiments take half a gigabyte.
    first_positions: dict[int, tuple[int, int]] = {}
    for number in sorted(suspects):
        for index in range(tables[number].size):
            spec = _spec(tables[number][index])
            first, position = first_positions.setdefault(hash(spec), (number, index))
            if first != number and _spec(tables[first][position]) == spec:
                shown = ", ".join(
                    f"{key} = {value!r}"
                    for key, value in zip(_FIELDS, spec, strict=True)
                    if value or key not in OPTIONAL_FIELDS
                )
                return (
                    f"[[grid]] table {first + 1}, combination {position + 1}, and table "
                    f"{number + 1}, combination {index + 1}, are the same experiment: {shown}"
                )
    return None


def _spec(combination: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(combination.get(key) for key in _FIELDS)
