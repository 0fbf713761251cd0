"""Make a lower-bound certificate (docs/lower-bound.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain, count
from typing import Any

import numpy as np

from analysis.bounds.checker import masks
from analysis.bounds.chords import Chords
from analysis.bounds.weightings import Kinks, Weightings
from analysis.bounds.zero_lines import Counts, Mask, grids, ways
from workers.datasets import Dataset

MAX_KEPT = 4
"""Maximum number of kept kinks."""


def prove(dataset: Dataset, target: str) -> dict[str, Any]:
    """Return a certificate that networks of the target accuracy need more than some weights.

    The data set has two features and two classes, its points in order along curves; the target is a
    decimal number.

    Raises:
        ValueError: the data set has other features or classes, its points are not in order, or a
            constant may reach the target as far as the chords show.
    """
    check_covered(dataset)
    weightings = Weightings(Chords.of(dataset), int((1 - Fraction(target)) * len(dataset)))
    lines = 1
    while not weightings.exclude((0, 0), [(((lines, 0, 0),),)]):
        lines += 1
    if lines == 1 and weightings.exclude((0, 0), [(((0, 0, 0),),)]):
        raise ValueError(f"too few points of {dataset.name} are near those of the other class")
    needed: dict[Kinks, set[Counts]] = {(0, 0): {(((lines - 1, 0, 0),),)}}
    for bound in count(2):
        more = _excluded(weightings, bound, lines)
        if more is None:
            return {
                "dataset": dataset.name,
                "target": target,
                "bound": bound,
                "lines": lines,
                **weightings.certified({kinks: _maximal(of) for kinks, of in needed.items()}),
            }
        for kinks, counts in more:
            needed.setdefault(kinks, set()).update(counts)
    raise AssertionError("networks of enough weights have any number of lines")


def _excluded(
    weightings: Weightings, weights: int, lines: int
) -> list[tuple[Kinks, set[Counts]]] | None:
    """Return the counts of zero lines of all masks after excluding them; None if some remain.

    Args:
        weightings: to which boxes are added.
        weights: number of weights of the masks.
        lines: number of zero lines that the target needs; grids with fewer are left out.
    """
    left = [mask for mask in masks(weights) if _weights(mask) == weights and _reaches(mask, lines)]
    excluded: list[tuple[Kinks, set[Counts]]] = []
    turn = 0
    while left:
        # Counts with the same numbers of kinks are excluded together, those of masks without
        # another choice first.
        groups: dict[tuple[bool, Kinks], list[Mask]] = {}
        for mask in left:
            kinks, *others = _choices(mask)[turn:]
            groups.setdefault((bool(others), kinks), []).append(mask)
        left = []
        for (others_left, kinks), alike in sorted(groups.items()):
            found = {mask: _counts(mask, kinks, lines) for mask in alike}
            counts = _maximal(chain.from_iterable(found.values()))
            failed = weightings.exclude(kinks, counts, all_needed=not others_left)
            if failed and not others_left:
                return None
            for mask, cells in found.items():
                if _any_below(cells, failed):
                    left.append(mask)
                else:
                    excluded.append((kinks, cells))
        turn += 1
    return excluded


def _reaches(mask: Mask, lines: int) -> bool:
    """Return whether `most_lines` of a mask is at least a number."""
    unkept = ((second, (), ()) for second in ((), *mask[1:2]))
    return all(any(total >= lines for total, _ in grids(mask, *way)) for way in unkept)


def _choices(mask: Mask) -> list[Kinks]:
    """Return the numbers of kept kinks to try for a mask: the fewest, then the most."""
    numbers = {(len(x), len(y)) for _, x, y in ways(mask) if len(x) + len(y) <= MAX_KEPT}
    ordered = sorted(numbers, key=lambda kinks: (sum(kinks), kinks))
    return list(dict.fromkeys([ordered[0], ordered[-1]]))


def _counts(mask: Mask, kinks: Kinks, lines: int) -> set[Counts]:
    """Return the counts of zero lines of a mask for these numbers of kept kinks.

    Grids of fewer lines are left out. Of several ways, the one with the fewest lines is chosen.
    """
    found = (
        {cells for total, grid in grids(mask, *way) if total >= lines for cells in grid}
        for way in ways(mask)
        if (len(way[1]), len(way[2])) == kinks
    )
    return min(found, key=_most)


def _any_below(counts: Iterable[Counts], limits: Sequence[Counts]) -> bool:
    """Return whether there are counts that exceed one of the limits in no cell of their grid."""
    return any((np.array(limit) >= cells).all() for limit in limits for cells in counts)


def _most(counts: Iterable[Counts]) -> int:
    return max((int(np.sum(cells)) for cells in counts), default=0)


def _weights(mask: Mask) -> int:
    return sum(row.bit_count() for rows in mask for row in rows) + len(mask[-1])


def _maximal(counts: Iterable[Counts]) -> list[Counts]:
    """Return the counts that no other ones of the same grid exceed in every cell."""
    ordered = sorted(set(counts))
    arrays = [np.array(cells) for cells in ordered]
    return [
        cells
        for cells, array in zip(ordered, arrays, strict=True)
        if not any(
            other is not array and other.shape == array.shape and (other >= array).all()
            for other in arrays
        )
    ]


def check_covered(dataset: Dataset) -> None:
    """Check that the theorem holds for networks trained on a data set.

    Raises:
        ValueError: it has other than two features and two classes.
    """
    if dataset.features != 2 or dataset.classes != 2:
        raise ValueError(
            f"{dataset.name} has {dataset.features} features and {dataset.classes} classes; "
            "a bound needs 2 of each"
        )
