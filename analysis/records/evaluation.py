"""Independent evaluation of a network: plain numpy, and exact on line segments."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.exact import exact_accuracy
from pruning.functional_sparsity import count_active_points, live_mask
from search.layers import Layers, count_kept
from workers.datasets import Dataset


def accuracies(layers: Layers, dataset: Dataset) -> dict[str, float]:
    """Return a network's accuracy on the points it is trained on, computed in several ways.

    Returns:
        `float32` and `float64`: fraction of the points that are classified correctly in this
        arithmetic. `exact`: fraction of the data set's line segments on the right side of the
        boundary (`analysis.exact`), if its points lie on segments. All are rounded down.
    """
    found = {
        "float32": point_accuracy(layers, dataset, np.float32),
        "float64": point_accuracy(layers, dataset, np.float64),
    }
    # Undefined for several outputs, and for points that do not lie on segments.
    with suppress(ValueError):
        found["exact"] = exact_accuracy(layers, dataset)
    return {name: rounded_down(value) for name, value in found.items()}


def rounded_down(value: Fraction) -> float:
    """Return the greatest floating-point number that is not above a fraction."""
    nearest = float(value)
    return nearest if nearest <= value else nextafter(nearest, -inf)


def point_accuracy(
    layers: Layers, dataset: Dataset, dtype: type[np.float32] | type[np.float64]
) -> Fraction:
    """Return the fraction of the points that a network classifies correctly.

    Products are added one at a time in the order of the weights, so that every processor gives the
    same result.
    """
    values: list[NDArray[Any]] = list(dataset.points.T.astype(dtype))
    for number, (weight, bias) in enumerate(layers):
        sums = []
        for row, constant in zip(weight, bias, strict=True):
            total: NDArray[Any] = np.full(len(dataset), constant, dtype)
            for source in np.flatnonzero(row):
                total += dtype(row[source]) * values[source]
            sums.append(total)
        last = number == len(layers) - 1
        values = sums if last else [np.maximum(total, dtype(0)) for total in sums]
    classes = values[0] > 0 if len(values) == 1 else np.argmax(np.stack(values), axis=0)
    return Fraction(int(np.count_nonzero(classes == dataset.labels)), len(dataset))


def counts_of(layers: Layers, dataset: Dataset) -> dict[str, int]:
    """Return a network's numbers of weights, of weights and biases, and of live weights.

    Live weights are those that the column `live_nnz` counts (`pruning.functional_sparsity`).
    """
    weights, biases = zip(*layers, strict=True)
    live = live_mask(weights, count_active_points(layers, dataset.points))
    return {
        "weights": count_kept(weights),
        "weights and biases": count_kept(weights) + count_kept(biases),
        "live weights": count_kept(live),
    }
