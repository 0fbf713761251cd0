"""Make a lower-bound certificate: weights of chords from a linear programme (docs/lower-bound.md).

The programme is solved in floating point. The weights are rounded to integers, and the checker
decides what they prove.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, hstack, vstack

from analysis.bounds.checker import Mask, lines_needed, masks, most_lines
from workers.datasets import Dataset

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RANGE_LENGTH = 0.2
"""Length of a range of points, in standard deviations of a feature."""

PARTS = 10
"""Number of parts of a range, whose chords lines cross separately."""

ANGLES = 200
"""Number of line directions in the linear programme."""

STEPS = 200
"""Number of intervals of directions per octant in the certificate."""

ROUNDS = 40
"""Maximum number of linear programmes, each with the lines that the last one overlooked."""

LINES_PER_ROUND = 60
"""Number of lines added per round, those of the most weight first."""

GAP = 0.002
"""Relative distance from the optimum at which the rounds end."""

UNIT = 10**6
"""Weight in the certificate of a chord of weight 1."""


def prove(dataset: Dataset, target: str) -> dict[str, Any]:
    """Return a certificate that networks of the target accuracy need more than some weights.

    The data set has two features and two classes, its points in order along curves; the target is a
    decimal number.

    Raises:
        ValueError: the data set has other features or classes, or its points are not in order.
    """
    check_covered(dataset)
    chords = Chords.of(dataset)
    errors = int((1 - Fraction(target)) * len(dataset))
    weights = np.floor(_solve(chords, errors) * UNIT / PARTS).astype(np.int64)
    load = np.zeros(len(chords.ranges), dtype=np.int64)
    np.add.at(load, chords.ones, weights)
    np.add.at(load, chords.zeros, weights)
    certificate: dict[str, Any] = {
        "dataset": dataset.name,
        "target": target,
        "parts": PARTS,
        "steps": STEPS,
        "penalty": max(
            ceil(Fraction(int(a), int(b))) for a, b in zip(load, chords.smallest_parts, strict=True)
        ),
        "ranges": chords.ranges.tolist(),
        "chords": [
            [int(p), int(q), int(w)]
            for p, q, w in zip(chords.ones, chords.zeros, weights, strict=True)
            if w > 0
        ],
    }
    needed = lines_needed(certificate, dataset.points, dataset.labels)
    listed: dict[Mask, int] = {}
    for bound in count(2):
        found = {}
        for mask in masks(bound):
            found[mask] = listed.get(mask) or most_lines(mask)
            if found[mask] >= needed:
                return certificate | {
                    "lines": needed,
                    "bound": bound,
                    "masks": [[mask, lines] for mask, lines in listed.items()],
                }
        listed = found
    raise AssertionError("networks of enough weights have any number of lines")


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


@dataclass(frozen=True)
class Chords:
    """Ranges of points, and the pairs of ranges of different classes that chords connect.

    Attributes:
        points: float64 [N, 2].
        ranges: int64 [R, 2], first point and end of each range.
        ones: int64 [C], range of class 1 of each chord.
        zeros: int64 [C], range of class 0 of each chord.
    """

    points: Floats
    ranges: Ints
    ones: Ints
    zeros: Ints

    @classmethod
    def of(cls, dataset: Dataset) -> Chords:
        """Cut the points into ranges and connect the ranges that are close.

        Raises:
            ValueError: too few consecutive points of one class are close to each other.
        """
        points = dataset.points.astype(np.float64)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        far = (steps > RANGE_LENGTH / PARTS) | (np.diff(dataset.labels) != 0)
        breaks = [0, *(np.flatnonzero(far) + 1), len(points)]
        ranges: list[tuple[int, int]] = []
        for start, end in pairwise(breaks):
            pieces = max(1, round(steps[start : end - 1].sum() / RANGE_LENGTH))
            cuts = np.linspace(start, end, pieces + 1).round().astype(int).tolist()
            ranges += [(a, b) for a, b in pairwise(cuts) if b - a >= PARTS]
        classes = np.array([dataset.labels[a] for a, _ in ranges])
        if len(set(classes)) < 2:
            raise ValueError(
                f"the points of {dataset.name} are not in order along curves: a bound needs at "
                f"least {PARTS} consecutive points of each class close to each other"
            )
        centres = np.array([points[a:b].mean(axis=0) for a, b in ranges])
        ones, zeros = np.flatnonzero(classes == 1), np.flatnonzero(classes == 0)
        distance = np.linalg.norm(centres[ones][:, None] - centres[zeros][None], axis=2)
        # Chords are at most 1.4 times as long as the median distance to the other class.
        near = distance <= 1.4 * np.median(distance.min(axis=1))
        return cls(points, np.array(ranges), ones[near.nonzero()[0]], zeros[near.nonzero()[1]])

    @property
    def cuts(self) -> Ints:
        """First point of each part of each range, int64 [R, PARTS + 1], with the range's end."""
        start, end = self.ranges[:, :1], self.ranges[:, 1:]
        return start + (end - start) * np.arange(PARTS + 1) // PARTS

    @property
    def smallest_parts(self) -> Ints:
        """Number of points in the smallest part of each range, int64 [R]."""
        smallest: Ints = np.diff(self.cuts).min(axis=1)
        return smallest


def _solve(chords: Chords, errors: int) -> Floats:
    """Return weights of the chords, [C], of which no line crosses much more than 1.

    They maximise the sum of weights minus the number of errors times the largest weight on a point.
    """
    lines = _Lines(chords)
    number = len(chords.ones)
    # Variables: the weights, and the penalty, which no point's weight exceeds.
    ranges, columns = np.concatenate([chords.ones, chords.zeros]), np.tile(np.arange(number), 2)
    shape = (len(chords.ranges), number)
    ends = csr_matrix((np.ones(2 * number), (ranges, columns)), shape=shape)
    rows = [hstack([ends, csr_matrix(-PARTS * chords.smallest_parts[:, None])])]
    limits = [np.zeros(len(chords.ranges))]
    cost = np.concatenate([-np.ones(number), [errors]])
    weights, best, best_value, optimum = np.ones(number), np.ones(number), 0.0, np.inf
    for _ in range(ROUNDS):
        heaviest, overlooked = lines.heaviest(weights)
        if np.isfinite(optimum) and optimum / heaviest > best_value:
            best, best_value = weights / heaviest, optimum / heaviest
        if best_value >= (1 - GAP) * optimum or not len(overlooked):
            break
        rows.append(hstack([csr_matrix(overlooked), csr_matrix((len(overlooked), 1))]))
        limits.append(np.ones(len(overlooked)))
        solution = linprog(
            cost,
            A_ub=vstack(rows),
            b_ub=np.concatenate(limits),
            bounds=[(0, 1)] * number + [(0, None)],
            method="highs",
        )
        weights, optimum = solution.x[:number], -solution.fun
    return best


class _Lines:
    """Lines in `ANGLES` directions, and the parts of chords that they cross."""

    def __init__(self, chords: Chords) -> None:
        p, q = (
            (ranges[:, None] * PARTS + np.arange(PARTS)).ravel()
            for ranges in (chords.ones, chords.zeros)
        )
        points = np.concatenate([chords.points[a:b] for a, b in chords.ranges])
        sizes = np.diff(chords.cuts).ravel()
        starts = np.cumsum(sizes) - sizes
        angles = (np.arange(ANGLES) + 0.5) * np.pi / ANGLES
        self.intervals: list[tuple[Floats, Floats]] = []
        for normal in np.stack([np.cos(angles), np.sin(angles)], axis=1):
            side = points @ normal
            low, high = np.minimum.reduceat(side, starts), np.maximum.reduceat(side, starts)
            self.intervals += [(low[q], high[p]), (low[p], high[q])]
        kind = np.repeat([0, 1], len(p))
        self.orders = [
            np.lexsort((kind, np.concatenate(interval))).astype(np.int32)
            for interval in self.intervals
        ]

    def heaviest(self, weights: Floats) -> tuple[float, Floats]:
        """Return the most weight that a line crosses, and the lines that cross more than 1.

        The weights are float64 [C]. At most `LINES_PER_ROUND` lines are returned, as the fraction
        of each chord that each line crosses, float64 [lines, C].
        """
        most, heavy = 0.0, []
        each = np.repeat(weights / PARTS, PARTS)
        for (left, right), order in zip(self.intervals, self.orders, strict=True):
            met = np.where(left <= right, each, 0)
            total = np.cumsum(np.concatenate([met, -met])[order])
            at = int(total.argmax())
            most = max(most, float(total[at]))
            if total[at] > 1 + GAP / 2:
                place = np.concatenate([left, right])[order[at]]
                heavy.append((float(total[at]), left, right, place))
        heavy.sort(key=lambda line: -line[0])
        crossed = [
            ((left <= place) & (place <= right)).reshape(-1, PARTS).mean(axis=1)
            for _, left, right, place in heavy[:LINES_PER_ROUND]
        ]
        return most, np.array(crossed)
