"""A row's network reduced after training: pruned by magnitude, or without its dead parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.network import accuracy
from analysis.row_network import check_columns, network_from_row, split
from pruning.functional_sparsity import count_active_points, without_dead_parts
from pruning.network import MaskedNetwork
from search.layers import Layers
from search.schema import PRUNABLE_FROM, PRUNABLE_UP_TO
from workers.datasets import Dataset, load_dataset
from workers.prunability import prunability
from workers.trained import Trained


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
        The row with other parameters and `accuracy`, and with the key `variant`, which says what
            was
        done. The row itself if neither is set.

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
    return {
        **row,
        "weight_index": np.flatnonzero(weights),
        "weights": weights[weights != 0],
        "bias_index": np.flatnonzero(biases),
        "biases": biases[biases != 0],
        "accuracy": accuracy(MaskedNetwork(layers), dataset),
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
    weights = split(flat, [weight.shape for weight, _ in layers])
    return [(weight, bias) for weight, (_, bias) in zip(weights, layers, strict=True)]
