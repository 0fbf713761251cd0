"""Accuracy of a network on line segments, in exact rational arithmetic.

The points of a Cubist Spiral lie on line segments. Along a segment, a ReLU network is a continuous
piecewise linear function, so the part of the segment on the right side of the boundary can be
computed instead of sampled. Real arithmetic has no rounding: a network whose accuracy depends on
the rounding of its logits, or on the positions of the points, has another accuracy here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from pruning.network import MaskedNetwork
from search.layers import Layers
from workers.datasets import Dataset

MAX_DEVIATION = 1e-5
"""Maximum distance of a point from its segment, in standard deviations of a feature. Rounding to
float32 causes less than 1e-6."""

_Point = tuple[Fraction, list[Fraction]]
"""Position along a segment, from 0 to 1, and the values of the neurons of a layer there."""


@dataclass(frozen=True)
class LineSegment:
    """A line segment of some number of points of one class, 0 or 1, from the first to the last."""

    start: tuple[Fraction, ...]
    end: tuple[Fraction, ...]
    label: int
    points: int


def exact_accuracy(network: MaskedNetwork | Layers, dataset: Dataset) -> Fraction:
    """Return the fraction of a data set's segments that a network classifies correctly.

    Segments count by their numbers of points, so this is the limit of the accuracy for ever more
    points on each.

    Args:
        network: module, or its float32 parameters, with one logit; class 1 is where it is above 0.
        dataset: data set of two classes whose points lie on line segments, in their order.

    Raises:
        ValueError: the network has several logits, or the points do not lie on segments.

    Example:
        >>> import sparsest
        >>> network = sparsest.train(structure="3x2", epochs=1).networks()[0]
        >>> exact = sparsest.exact_accuracy(network, sparsest.load_dataset("cubist-spiral"))
        >>> abs(float(exact) - sparsest.accuracy(network)) < 0.01
        True
    """
    layers = network.layers() if isinstance(network, MaskedNetwork) else network
    if len(layers[-1][1]) != 1 or dataset.classes != 2:
        raise ValueError("exact accuracy is defined for two classes and one logit")
    exact = [
        ([[_fraction(w) for w in row] for row in weight], [_fraction(b) for b in bias])
        for weight, bias in layers
    ]
    right = Fraction(0)
    for segment in line_segments(dataset):
        positive = _positive_part(exact, segment)
        right += segment.points * (positive if segment.label else 1 - positive)
    return right / len(dataset)


def line_segments(dataset: Dataset) -> list[LineSegment]:
    """Return the line segments on which the points of a data set lie, in order.

    Raises:
        ValueError: consecutive points of a class do not lie on segments.
    """
    points = dataset.points.astype(np.float64)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    # A distance over three times the median ends a segment.
    apart = (steps > 3.0 * np.median(steps)) | (np.diff(dataset.labels) != 0)
    breaks = [0, *(np.flatnonzero(apart) + 1), len(points)]
    segments = []
    for first, end in pairwise(breaks):
        start, direction = points[first], points[end - 1] - points[first]
        length = float(np.linalg.norm(direction))
        offsets = points[first:end] - start
        along = offsets @ direction / max(length, MAX_DEVIATION) ** 2
        if length == 0 or np.abs(offsets - along[:, None] * direction).max() > MAX_DEVIATION:
            raise ValueError(f"the points of {dataset.name} do not lie on line segments in order")
        a, b = (tuple(map(_fraction, dataset.points[at])) for at in (first, end - 1))
        segments.append(LineSegment(a, b, int(dataset.labels[first]), int(end - first)))
    return segments


def _positive_part(
    layers: list[tuple[list[list[Fraction]], list[Fraction]]], segment: LineSegment
) -> Fraction:
    """Return the fraction of a segment on which a network is positive."""
    points: list[_Point] = [(Fraction(0), list(segment.start)), (Fraction(1), list(segment.end))]
    for number, (weight, bias) in enumerate(layers, start=1):
        points = [
            (
                position,
                [
                    sum((w * v for w, v in zip(row, values, strict=True) if w), constant)
                    for row, constant in zip(weight, bias, strict=True)
                ],
            )
            for position, values in points
        ]
        points = _with_zeros(points)
        if number < len(layers):
            points = [(at, [max(v, Fraction(0)) for v in values]) for at, values in points]
    return sum((b - a for (a, u), (b, v) in pairwise(points) if max(u[0], v[0]) > 0), Fraction(0))


def _with_zeros(points: list[_Point]) -> list[_Point]:
    """Add the positions at which a value changes its sign, with all values there."""
    result = []
    for (a, starts), (b, ends) in pairwise(points):
        values = list(zip(starts, ends, strict=True))
        zeros = {start / (start - end) for start, end in values if start * end < 0}
        result += [
            (a + (b - a) * share, [start + share * (end - start) for start, end in values])
            for share in sorted({Fraction(0), *zeros})
        ]
    return [*result, points[-1]]


def _fraction(value: np.float32) -> Fraction:
    return Fraction(*float(value).as_integer_ratio())
