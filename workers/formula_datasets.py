"""Data sets that are computed from a formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.datasets import Dataset, standardised

REQUESTED_POINTS = 50_000
"""Number of points of a Cubist Spiral before the count of each segment is rounded down."""

HALF_GAP = 15.0
"""Distance between each class's polyline and the spiral that separates the classes."""

PARITY_POINTS = 4096
"""Number of points of a parity: each combination of bits occurs equally often."""

MOON_POINTS, MOON_TEST_POINTS = 4000, 1000
"""Number of points of the two moons to train on, and of their test split."""

MOON_NOISE = 0.15
"""Standard deviation of the noise on both coordinates of the two moons, in radii."""


def cubist_spiral(name: str, turns: int) -> Dataset:
    """Return the Cubist Spiral: two interleaved polylines of about 25,000 points each.

    Points are in the order of the polylines, class 0 first (docs/paper.md, section 2).

    Each polyline has 8 segments per turn; the paper's has 2 turns.
    """
    theta = np.linspace(np.pi, (1 + 2 * turns) * np.pi, 8 * turns + 1) + (1.6 / 8) * 2 * np.pi
    direction = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    vertices = (10 * theta + np.pi)[:, None] * direction
    polylines = [vertices + HALF_GAP * direction, vertices - HALF_GAP * direction]
    corner = np.concatenate(polylines).min(axis=0)
    classes = [_points_along(polyline - corner) for polyline in polylines]
    labels = np.repeat(np.array([0, 1], dtype=np.float32), [len(points) for points in classes])
    return Dataset.of(name, standardised(np.concatenate(classes)), labels)


def two_moons(name: str) -> Dataset:
    """Return two interleaved half circles with Gaussian noise.

    The shape is that of scikit-learn's `make_moons`: class 0 is the upper half of the circle around
    (0, 0), class 1 the lower half of that around (1, 0.5), both with radius 1.
    """
    count = MOON_POINTS + MOON_TEST_POINTS
    # RandomState, because only its numbers are the same in all versions of NumPy.
    random = np.random.RandomState(0)
    labels = np.arange(count) % 2
    angle = np.pi * random.random_sample(count)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    points = np.where(labels[:, None] == 0, upper, lower)
    points += MOON_NOISE * random.standard_normal((count, 2))
    train, test = points[:MOON_POINTS], points[MOON_POINTS:]
    return Dataset.of(
        name,
        standardised(train),
        labels[:MOON_POINTS],
        test=(standardised(test, train), labels[MOON_POINTS:]),
    )


def parity(name: str, bits: int) -> Dataset:
    """Return all combinations of some bits; class 1 has an odd number of ones. XOR has two bits.

    Every combination is there `PARITY_POINTS` / 2^bits times, so that accuracy is exact and batches
    of the default size can be drawn.
    """
    combination = np.arange(PARITY_POINTS) % 2**bits
    points = (combination[:, None] >> np.arange(bits)) & 1
    return Dataset.of(
        name,
        standardised(points.astype(np.float64)),
        points.sum(axis=1) % 2,
        class_names=("even", "odd"),
        feature_names=[f"bit {n}" for n in range(1, bits + 1)],
    )


def _points_along(polyline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evenly spaced points of each segment of a polyline [V, 2], including both ends."""
    starts, ends = polyline[:-1], polyline[1:]
    lengths = np.linalg.norm(ends - starts, axis=1)
    # quirk: each segment's count is rounded down separately, so each class of the paper's has 9
    # points fewer than the requested 25,000.
    counts = np.floor(lengths / lengths.sum() * REQUESTED_POINTS / 2).astype(int)
    segments = []
    for start, end, count in zip(starts, ends, counts, strict=True):
        t = np.linspace(0.0, 1.0, count)[:, None]
        segments.append(t * start + (1 - t) * end)
    return np.concatenate(segments)
