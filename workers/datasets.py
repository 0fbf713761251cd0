"""The data sets, made from their definitions: nothing is downloaded or stored.

Other packages bring data sets of their own as plug-ins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.datasets import DATASETS, dataset_names, plugin_datasets

REQUESTED_POINTS = 50_000
"""Points of the Cubist Spiral before the floors of its segments are taken."""

HALF_GAP = 15.0
"""Distance of each class's polyline from the spiral between them."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points to train on and to measure the accuracy on: there is no held-out split.

    Attributes:
        name: what an experiment calls it.
        points: float32 [N, features], read-only, every feature with mean 0 and variance 1.
        labels: float32 [N], read-only, 0 or 1.
    """

    name: str
    points: NDArray[np.float32]
    labels: NDArray[np.float32]

    @classmethod
    def of(cls, name: str, points: ArrayLike, labels: ArrayLike) -> Dataset:
        """A data set of numbers of any kind.

        Args:
            name: what an experiment calls it.
            points: [N, features]; see `standardised`.
            labels: [N], 0 or 1.

        Raises:
            ValueError: they have other shapes, a number is not finite, or a label is neither.
        """
        # Copies: what a worker trains on must not change, nor be frozen for its owner.
        x = np.array(points, dtype=np.float32, order="C")
        y = np.array(labels, dtype=np.float32)
        if x.ndim != 2 or y.shape != x.shape[:1] or x.size == 0:
            raise ValueError(
                f"points {list(x.shape)} and labels {list(y.shape)} are no data set: points must "
                "be [N, features] and labels [N]"
            )
        if not np.isfinite(x).all():
            raise ValueError("a point has a coordinate that is not finite")
        if not np.isin(y, (0, 1)).all():
            raise ValueError("a label is neither 0 nor 1")
        x.setflags(write=False)
        y.setflags(write=False)
        return cls(name, x, y)

    @property
    def features(self) -> int:
        """Number of inputs of a network for this data set."""
        return int(self.points.shape[1])

    def __len__(self) -> int:
        return len(self.labels)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Full batches in the data set; the short one that is left over is not trained on.

        Raises:
            ValueError: not even one batch fits.
        """
        if not 1 <= batch_size <= len(self):
            raise ValueError(
                f"batch_size {batch_size} is not possible: {self.name} has {len(self)} points"
            )
        return len(self) // batch_size


def cubist_spiral() -> Dataset:
    """The Cubist Spiral: two interleaved polylines, 24,991 points each (docs/paper.md, section 2).

    Points come in the order of the polylines, class 0 first.
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
    """Each column less its mean and divided by its standard deviation (ddof = 1).

    Args:
        points: float64 [N, features]; rounded to float32 before anything is computed from them.

    Returns:
        float32 [N, features].
    """
    rounded = points.astype(np.float32).astype(np.float64)
    centred = rounded - rounded.mean(axis=0)
    result: NDArray[np.float32] = (centred / centred.std(axis=0, ddof=1)).astype(np.float32)
    return result


def _points_along(polyline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evenly spaced points of each segment of a polyline [V, 2], both ends of it included."""
    starts, ends = polyline[:-1], polyline[1:]
    lengths = np.linalg.norm(ends - starts, axis=1)
    # quirk: every segment's count is rounded down on its own, so that 9 points of each class's
    # 25,000 are never made.
    counts = np.floor(lengths / lengths.sum() * REQUESTED_POINTS / 2).astype(int)
    segments = []
    for start, end, count in zip(starts, ends, counts, strict=True):
        t = np.linspace(0.0, 1.0, count)[:, None]
        segments.append(t * start + (1 - t) * end)
    return np.concatenate(segments)


@cache
def load_dataset(name: str) -> Dataset:
    """The data set of that name, made once a process.

    Raises:
        ValueError: as `make_dataset`.
    """
    return make_dataset(name)


def make_dataset(name: str) -> Dataset:
    """The data set of that name, made anew.

    Raises:
        ValueError: there is no data set of that name, or it is a plug-in that cannot be used.
    """
    # Plug-ins are only looked for where the name is none of the project's own.
    if name in DATASETS:
        module, _, function = DATASETS[name].function.partition(":")
        dataset: Dataset = getattr(import_module(module), function)()
        return dataset
    found = plugin_datasets()
    plugin = found.plugin(name)
    if plugin is None:
        raise ValueError(f"unknown dataset {name!r}; there are: {', '.join(dataset_names())}")
    if plugin.problem:
        raise ValueError(str(plugin))
    try:
        return _made(name, found.usable[name])
    except Exception as error:  # somebody else's code: anything can come out of it
        raise ValueError(f"{plugin} cannot be made: {type(error).__name__}: {error}") from error


def _made(name: str, make: Callable[[], object]) -> Dataset:
    """The data set that a plug-in's function makes; numbers are copied and checked."""
    made = make()
    if not isinstance(made, Dataset):
        raise TypeError(f"its function gave a {type(made).__name__}, not a Dataset")
    if made.name != name:
        raise ValueError(f"its Dataset is called {made.name!r}, its entry point {name!r}")
    return Dataset.of(name, made.points, made.labels)
