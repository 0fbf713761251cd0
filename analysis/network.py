"""A stored row as the network that was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from analysis.retrain import WeightsNotStored, was_left_out
from pruning.network import MaskedNetwork
from workers.datasets import Dataset
from workers.evaluate import evaluate

NETWORK_COLUMNS = ("layers", "weight_index", "weights", "bias_index", "biases")
"""Columns of the view `results` that hold the trained network."""


def check_columns(row: Mapping[str, Any], wanted: Sequence[str]) -> None:
    """Makes sure that a row has what is to be read of it.

    Raises:
        ValueError: it lacks columns, as rows of a query or a table often do.
    """
    missing = [name for name in wanted if name not in row]
    if missing:
        named = row.get("experiment_id")
        asked = "experiment_id" if named is None else repr(named)
        raise ValueError(
            f"the row lacks {', '.join(missing)}: take the whole row from its store, "
            f"store.row({asked}), or the network, store.network({asked})"
        )


def network_from_row(row: Mapping[str, Any]) -> MaskedNetwork:
    """The trained network of a row, masked as it was trained.

    Args:
        row: of the view `results`; `NETWORK_COLUMNS` are read, as sequences or arrays.

    Returns:
        A module from points [batch, inputs] to logits [batch] of class 1; parameters that the row
        does not hold are masked.

    Raises:
        ValueError: the row has not all of these columns, holds no network, or one that cannot be.
        analysis.retrain.WeightsNotStored: its network was not published.
    """
    check_columns(row, NETWORK_COLUMNS)
    if was_left_out(row):
        raise WeightsNotStored(row)
    if row["weights"] is None or row["biases"] is None:
        raise ValueError(
            f"experiment {row.get('experiment_id')} has status {row.get('status')!r}: "
            "its row holds no trained network"
        )
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(row["layers"])]
    weights, weight_masks = _matrices(shapes, row["weight_index"], row["weights"])
    biases, bias_masks = _matrices(
        [(n_out,) for n_out, _ in shapes], row["bias_index"], row["biases"]
    )
    return MaskedNetwork(list(zip(weights, biases, strict=True)), weight_masks, bias_masks)


def accuracy(network: nn.Module, dataset: Dataset) -> float:
    """Share of all points of a data set that a network classifies correctly.

    A network read back from a row gives the row's accuracy, but for points whose logit is so close
    to zero that the order of additions decides its sign.

    Args:
        network: maps points [N, features] to logits [N].
        dataset: what to measure on, such as `workers.datasets.load_dataset(row["dataset"])`.
    """
    return evaluate(network, dataset)[0]


def _matrices(
    shapes: Sequence[tuple[int, ...]], places: Sequence[int], values: Sequence[float]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """Arrays of the given shapes laid one behind the other, and where they were given a value."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    index = np.asarray(places, dtype=np.int64)
    if len(index) != len(values) or (index >= sum(sizes)).any():
        raise ValueError(
            f"{len(values)} values at {len(index)} places up to {index.max(initial=-1)} "
            f"do not fit parameters of shapes {shapes}"
        )
    flat = np.zeros(sum(sizes), dtype=np.float32)
    kept = np.zeros(sum(sizes), dtype=np.bool_)
    flat[index] = values
    kept[index] = True
    bounds = np.cumsum(sizes)[:-1]
    return (
        [part.reshape(shape) for part, shape in zip(np.split(flat, bounds), shapes, strict=True)],
        [part.reshape(shape) for part, shape in zip(np.split(kept, bounds), shapes, strict=True)],
    )
