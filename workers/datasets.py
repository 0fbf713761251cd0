"""Data sets, computed from their definitions: nothing is downloaded or stored.

Other packages can add data sets as plug-ins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.datasets import DATASETS, made_by_plugin

REQUESTED_POINTS = 50_000
"""Number of points of the Cubist Spiral before the count of each segment is rounded down."""

HALF_GAP = 15.0
"""Distance between each class's polyline and the spiral that separates the classes."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled points for both training and evaluation: there is no held-out split.

    Attributes:
        name: value of `Experiment.dataset`.
        points: float32 [N, features], read-only, every feature with mean 0 and variance 1.
        labels: float32 [N], read-only, 0 or 1.
    """

    name: str
    points: NDArray[np.float32]
    labels: NDArray[np.float32]

    @classmethod
    def of(cls, name: str, points: ArrayLike, labels: ArrayLike) -> Dataset:
        """Return a data set with a read-only float32 copy of the given numbers.

        Args:
            name: value of `Experiment.dataset`.
            points: [N, features]; see `standardised`.
            labels: [N], 0 or 1.

        Raises:
            ValueError: the shapes are wrong, a coordinate is not finite, or a label is neither 0
                nor 1.
        """
        # Copies, because the caller may change its arrays later and they must stay writable.
        x = np.array(points, dtype=np.float32, order="C")
        y = np.array(labels, dtype=np.float32)
        if x.ndim != 2 or y.shape != x.shape[:1] or x.size == 0:
            raise ValueError(
                f"points have shape {list(x.shape)} and labels {list(y.shape)}; expected "
                "[N, features] and [N]"
            )
        if not np.isfinite(x).all():
            raise ValueError("points contain a coordinate that is not finite")
        if not np.isin(y, (0, 1)).all():
            raise ValueError("labels contain a value other than 0 and 1")
        x.setflags(write=False)
        y.setflags(write=False)
        return cls(name, x, y)

    @property
    def features(self) -> int:
        """Number of features of a point, and so of inputs of a network."""
        return int(self.points.shape[1])

    def __len__(self) -> int:
        return len(self.labels)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return the number of full batches; a last, short batch is not trained on.

        Raises:
            ValueError: the batch size is below 1 or exceeds the data set.
        """
        if not 1 <= batch_size <= len(self):
            raise ValueError(
                f"batch_size must be from 1 to {len(self)}, the number of points of {self.name}; "
                f"got {batch_size}"
            )
        return len(self) // batch_size


def cubist_spiral() -> Dataset:
    """Return the Cubist Spiral: two interleaved polylines of 24,991 points each.

    Points are in the order of the polylines, class 0 first (docs/paper.md, section 2).
    """
    theta = np.linspace(np.pi, 5 * np.pi, 17) + (1.6 / 8) * 2 * np.pi
    direction = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    vertices = (10 * theta + np.pi)[:, None] * direction
    polylines = [vertices + HALF_GAP * direction, vertices - HALF_GAP * direction]
    corner = np.concatenate(polylines).min(axis=0)
    classes = [_points_along(polyline - corner) for polyline in polylines]
    labels = np.repeat(np.array([0, 1], dtype=np.float32), [len(points) for points in classes])
    return Dataset.of("cubist-spiral", standardised(np.concatenate(classes)), labels)


def standardised(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the points with each column's mean subtracted and divided by its deviation (ddof = 1).

    Args:
        points: float64 [N, features]; rounded to float32 before the mean is computed.

    Returns:
        float32 [N, features].
    """
    rounded = points.astype(np.float32).astype(np.float64)
    centred = rounded - rounded.mean(axis=0)
    result: NDArray[np.float32] = (centred / centred.std(axis=0, ddof=1)).astype(np.float32)
    return result


def _points_along(polyline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evenly spaced points of each segment of a polyline [V, 2], including both ends."""
    starts, ends = polyline[:-1], polyline[1:]
    lengths = np.linalg.norm(ends - starts, axis=1)
    # quirk: each segment's count is rounded down separately, so each class has 9 points fewer than
    # the requested 25,000.
    counts = np.floor(lengths / lengths.sum() * REQUESTED_POINTS / 2).astype(int)
    segments = []
    for start, end, count in zip(starts, ends, counts, strict=True):
        t = np.linspace(0.0, 1.0, count)[:, None]
        segments.append(t * start + (1 - t) * end)
    return np.concatenate(segments)


@cache
def load_dataset(name: str) -> Dataset:
    """Return the data set of that name, made once per process.

    Raises:
        ValueError: as `make_dataset`.
    """
    return make_dataset(name)


def make_dataset(name: str) -> Dataset:
    """Make the data set of that name.

    Raises:
        ValueError: no data set has that name, or it is a plug-in that cannot be used.
    """
    # Looking for plug-ins takes time, which a built-in data set does not need.
    if name in DATASETS:
        module, _, function = DATASETS[name].function.partition(":")
        dataset: Dataset = getattr(import_module(module), function)()
        return dataset
    return made_by_plugin(name, partial(_checked, name))


def _checked(name: str, made: object) -> Dataset:
    """Return a plug-in's data set with its numbers checked and copied."""
    if not isinstance(made, Dataset):
        raise TypeError(f"its function returned a {type(made).__name__}, not a Dataset")
    if made.name != name:
        raise ValueError(f"its Dataset is named {made.name!r}, but its entry point {name!r}")
    return Dataset.of(name, made.points, made.labels)
