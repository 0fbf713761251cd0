"""Trained networks from stored rows, as they are or reduced after training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.network import Network, accuracy
from analysis.retrain import WeightsNotStored, was_left_out
from pruning.functional_sparsity import count_active_points, without_dead_parts
from pruning.network import MaskedNetwork
from search.columns import names_of
from search.layers import Layers, by_layer
from search.schema import PRUNABLE_FROM, PRUNABLE_UP_TO
from search.structure import count_weights
from workers.datasets import Dataset, load_dataset
from workers.prunability import prunability
from workers.trained import Trained

NETWORK_COLUMNS = ("layers", *names_of("parameter"))
"""Columns of the view `results` that hold the trained network."""

_MAX_WEIGHTS = 1 << 28
"""Maximum number of weights of a network, masked ones included. A damaged row must not exhaust the
memory."""


def check_columns(row: Mapping[str, Any], wanted: Sequence[str]) -> None:
    """Raise ValueError if a row, such as a query's, lacks columns that will be read."""
    missing = [name for name in wanted if name not in row]
    if missing:
        experiment_id = row.get("experiment_id")
        argument = "experiment_id" if experiment_id is None else repr(experiment_id)
        raise ValueError(
            f"the row lacks {', '.join(missing)}: take the whole row from its store, "
            f"store.row({argument}), or the network, store.network({argument})"
        )


def network_from_row(row: Mapping[str, Any]) -> Network:
    """Build the trained network of a row, with its masks.

    Args:
        row: row of the view `results`; `NETWORK_COLUMNS` are read, as sequences or arrays, and
            `dataset` if it is there.

    Returns:
        The network, with its row. Parameters that the row does not list are masked.

    Raises:
        ValueError: columns are missing, the row has no network, or its parts do not fit together.
        analysis.retrain.WeightsNotStored: the network was not published.

    Example:
        >>> import sparsest
        >>> rows = sparsest.train(structure="3x2", epochs=1)
        >>> sparsest.network_from_row(rows.arrow().to_pylist()[0]).sizes
        (2, 3, 2, 1)
    """
    check_columns(row, NETWORK_COLUMNS)
    if was_left_out(row):
        raise WeightsNotStored(row)
    if row["weights"] is None or row["biases"] is None:
        raise ValueError(
            f"experiment {row.get('experiment_id')} has status {row.get('status')!r}: "
            "its row has no trained network"
        )
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(row["layers"])]
    if min(row["layers"]) < 1 or count_weights(row["layers"]) > _MAX_WEIGHTS:
        raise ValueError(
            f"experiment {row.get('experiment_id')}: no network has the layers {row['layers']}"
        )
    weights, weight_masks = _arrays(shapes, row["weight_index"], row["weights"])
    widths = [(n_out,) for n_out, _ in shapes]
    biases, bias_masks = _arrays(widths, row["bias_index"], row["biases"])
    network = Network(list(zip(weights, biases, strict=True)), weight_masks, bias_masks)
    network.dataset = row.get("dataset")
    network.row = network.origin = row
    return network


def _arrays(
    shapes: Sequence[tuple[int, ...]], indices: Sequence[int], values: Sequence[float]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """Fill arrays of these shapes, indexed one after the other; return them and their masks."""
    size = sum(int(np.prod(shape)) for shape in shapes)
    index = np.asarray(indices, dtype=np.int64)
    if len(index) != len(values) or (index >= size).any():
        raise ValueError(
            f"{len(values)} values at {len(index)} indices up to {index.max(initial=-1)} "
            f"do not fit parameters of shapes {shapes}"
        )
    flat, kept = np.zeros(size, np.float32), np.zeros(size, np.bool_)
    flat[index], kept[index] = values, True
    return by_layer(flat, shapes), by_layer(kept, shapes)


def reduced_row(
    row: Mapping[str, Any], *, pruned: bool = False, live: bool = False
) -> Mapping[str, Any]:
    """Return a row with its network reduced, and the accuracy of the reduced network.

    Args:
        row: row of the view `results` with its network.
        pruned: remove `prunable_own` weights, smallest magnitude first, so that the accuracy stays
            within 0.001 of the row's (docs/store.md, Prunability).
        live: remove the weights that `live_nnz` does not count; the biases absorb constants. After
            `pruned`, if both are set.

    Returns:
        The row with other parameters and accuracies, without the experiment's masks, and with a key
        `variant` that says what was done; the row itself if neither is set.

    Raises:
        ValueError: the row has no network, or `prunable_own` is not defined for it.
    """
    if not (pruned or live):
        return row
    check_columns(row, ("dataset", "accuracy"))
    layers: Layers = network_from_row(row).layers()
    dataset = load_dataset(row["dataset"])
    variant = []
    if pruned:
        layers = _pruned(layers, row, dataset)
        variant.append("pruned after training")
    if live:
        layers = without_dead_parts(layers, count_active_points(layers, dataset.points))
        variant.append("without dead parts")
    weights = np.concatenate([weight.ravel() for weight, _ in layers])
    biases = np.concatenate([bias for _, bias in layers])
    network = MaskedNetwork(layers)
    test = None if dataset.test is None else accuracy(network, dataset.test)
    return {
        **row,
        "weight_index": np.flatnonzero(weights),
        "weights": weights[weights != 0],
        "bias_index": np.flatnonzero(biases),
        "biases": biases[biases != 0],
        "masks": None,
        "accuracy": accuracy(network, dataset),
        "test_accuracy": test,
        "variant": ", ".join(variant),
    }


def _pruned(layers: Layers, row: Mapping[str, Any], dataset: Dataset) -> Layers:
    removals = row.get("prunable_own")
    if removals is None:
        # The row is older than the column.
        removals = prunability([Trained.of(layers, row["accuracy"], 0.0)], dataset)[0].own
    if removals is None:
        raise ValueError(
            f"experiment {row.get('experiment_id')}: pruning after training needs an accuracy of "
            f"at least {PRUNABLE_FROM:g} and at most {PRUNABLE_UP_TO:,} weights"
        )
    flat = np.concatenate([weight.ravel() for weight, _ in layers])
    nonzero = np.flatnonzero(flat)
    flat[nonzero[np.argsort(np.abs(flat[nonzero]), kind="stable")[:removals]]] = 0
    weights = by_layer(flat, [weight.shape for weight, _ in layers])
    return [(weight, bias) for weight, (_, bias) in zip(weights, layers, strict=True)]
