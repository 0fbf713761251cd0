"""Chords between points of two classes, and the lines that cross them (docs/lower-bound.md)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.compilation import compiled
from workers.datasets import Dataset

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RANGE_LENGTH = 0.14
"""Length of a range of points, in standard deviations of a feature."""

PARTS = 5
"""Number of parts of a range, whose chords lines cross separately."""

STEPS = 60
"""Number of intervals of directions per octant."""

ROUNDING = 1e-9
"""Bound of the rounding errors of coordinates."""


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


@compiled
def _heaviest(ends: Ints, lefts: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the most weight of a line of each direction, [D], and its offset, [D].

    Args:
        ends: int32 [D, 2 P], the ends of the intervals of offsets in which lines cross a pair, in
            order: i is the left end of pair i, P + i its right end, -1 stands after the last one.
        lefts: float64 [D, P], left end of each interval.
        weights: float64 [P], weight of each pair.
    """
    directions, pairs = lefts.shape
    most, places = np.zeros(directions), np.zeros(directions)
    for direction in range(directions):
        total = 0.0
        for end in ends[direction]:
            if end < 0:
                break
            if end >= pairs:
                total -= weights[end - pairs]
                continue
            total += weights[end]
            if total > most[direction]:
                most[direction], places[direction] = total, lefts[direction, end]
    return most, places


class Lines:
    """The lines of each interval of directions, and the pairs of parts that they cross.

    Attributes:
        lefts: float64 [D, P], from which offset on lines of a direction cross a pair.
        rights: float64 [D, P], up to which offset.
        ends: int32 [D, E], the ends of these intervals in order (`_heaviest`).
        low: float64 [P, 2], least coordinates of a pair's points.
        high: float64 [P, 2], greatest coordinates.
        directions: int64 arrays, which of the D are of any direction, at constant x, at constant y.
    """

    def __init__(self, chords: Chords) -> None:
        p, q = (
            (ranges[:, None] * PARTS + np.arange(PARTS)).ravel()
            for ranges in (chords.ones, chords.zeros)
        )
        points = np.concatenate([chords.points[a:b] for a, b in chords.ranges])
        sizes = np.diff(chords.cuts).ravel()
        starts = np.cumsum(sizes) - sizes
        lefts: list[Floats] = []
        rights: list[Floats] = []
        ends: list[Any] = []
        places: list[list[int]] = [[], [], []]
        for axis, coordinates in enumerate((points, points[:, ::-1])):
            sides = [coordinates @ np.array([1, t / STEPS]) for t in range(-STEPS, STEPS + 1)]
            spans = [(_minima(side, starts), -_minima(-side, starts)) for side in sides]
            intervals = [(0, *both) for both in pairwise(spans)]
            intervals.append((1 + axis, spans[STEPS], spans[STEPS]))
            for kind, (low, high), (low2, high2) in intervals:
                low, high = np.minimum(low, low2) - ROUNDING, np.maximum(high, high2) + ROUNDING
                for left, right in ((low[q], high[p]), (low[p], high[q])):
                    places[kind].append(len(lefts))
                    met = np.flatnonzero(left <= right)
                    begins = np.repeat([0, 1], len(met))
                    order = np.lexsort((begins, np.concatenate([left[met], right[met]])))
                    lefts.append(left)
                    rights.append(right)
                    ends.append(np.concatenate([met, met + len(p)])[order])
        self.lefts, self.rights = np.array(lefts), np.array(rights)
        self.directions = [np.array(kind) for kind in places]
        self.ends = np.full((len(ends), 1 + max(map(len, ends))), -1, dtype=np.int32)
        for row, found in zip(self.ends, ends, strict=True):
            row[: len(found)] = found
        low, high = _minima(points, starts), -_minima(-points, starts)
        self.low = np.minimum(low[p], low[q]) - ROUNDING
        self.high = np.maximum(high[p], high[q]) + ROUNDING

    def heaviest(self, weights: Floats, near: Bools, kind: int) -> tuple[Floats, Floats]:
        """Return the most weight of a line of each direction of a kind, and its offset.

        Args:
            weights: float64 [C], weight of each chord's pairs.
            near: bool [P], the pairs that count.
            kind: lines of any direction (0), at constant x (1) or at constant y (2).
        """
        chosen = self.directions[kind]
        most: tuple[Floats, Floats] = _heaviest(
            self.ends[chosen], self.lefts[chosen], np.repeat(weights, PARTS) * near
        )
        return most

    def crossed(self, direction: int, offset: float) -> Bools:
        """Return the pairs that a line crosses, bool [P]."""
        crossed: Bools = (self.lefts[direction] <= offset) & (offset <= self.rights[direction])
        return crossed


def _minima(values: Floats, starts: Ints) -> Floats:
    minima: Floats = np.minimum.reduceat(values, starts)
    return minima
