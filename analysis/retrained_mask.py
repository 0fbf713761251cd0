"""Retraining of a network's mask, from other weights or from its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import pyarrow as pa

from analysis.store import rows_of_results
from search.datasets import dataset_named
from search.experiment import FRESH_INIT, Experiment
from search.layers import Layers, StoredInit
from search.lineage import ROW_INIT, RowInit
from search.masks.text import mask_text
from search.specification import experiment_of
from search.sweeps.file import study_from
from storage.data.parts import with_all_columns
from workers.initial import full_network
from workers.train import train_batch

if TYPE_CHECKING:
    from analysis.network import Network

StartFrom = Literal["fresh", "initial", "final"]
"""Weights that training starts from; see `analysis.network.Network.retrain`."""

SETTINGS = ("epochs", "lr", "schedule", "momentum", "weight_decay", "batch_size")
"""Fields of `Experiment` that may differ from the first training."""


def retrained_mask(
    network: Network, seed: int, start: StartFrom, settings: Mapping[str, Any]
) -> Network:
    """Train the mask of a network; see `analysis.network.Network.retrain`."""
    if network.origin is None:
        raise ValueError(
            "the network comes from no row, so its training is unknown: use torch, or "
            "sparsest.train with mask1=, mask2= and so on"
        )
    unknown = sorted(settings.keys() - set(SETTINGS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} cannot be set here; allowed: {', '.join(SETTINGS)}")
    if start not in get_args(StartFrom):
        raise ValueError(f"start cannot be {start!r}; allowed: {', '.join(get_args(StartFrom))}")
    if seed < 0:
        raise ValueError(f"seed must be a whole number from 0, not {seed!r}")
    # Checks the values as those of a sweep file.
    set_here = study_from({"name": "one", "base": dict(settings), "grid": {"structure": ["1"]}})[0]
    before = experiment_of(network.origin)
    masks = list(network.masks)
    # Experiments list no dense masks at the end.
    while masks and masks[-1].all():
        masks.pop()
    experiment = replace(
        before,
        method="search",
        width=max(before.width, *network.sizes[1:-1], 1),
        structure=network.sizes[1:-1],
        masks=tuple(map(mask_text, masks)),
        target_nnz=None,
        target_accuracy=None,
        hyperparameters=(),
        init=FRESH_INIT,
        init_scheme=None,
        replicate=seed,
        **{name: getattr(set_here, name) for name in settings},
    )
    inits: dict[str, StoredInit] = {}
    if start == "final" and network.row is None:
        raise ValueError("the network was edited, so no row has its weights; start='fresh'")
    if start != "fresh":
        parent = RowInit(str(network.origin["experiment_id"]), final=start == "final")
        layers = network.layers() if parent.final else _initial(before)
        inits[str(parent)] = StoredInit(ROW_INIT, parent.digest, layers)
        experiment = replace(experiment, init=str(parent))
    batch = train_batch([experiment], inits)
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns |= {"study_index": pa.array([0]), "sweep_id": pa.array([""])}
    return rows_of_results(with_all_columns(pa.table(columns))).networks()[0]


def _initial(experiment: Experiment) -> Layers:
    if experiment.init != FRESH_INIT:
        raise ValueError(
            f"the network's own training started from {experiment.init}, which its store has: "
            "train it there, with init = 'row:ID' in a sweep (sparsest.run)"
        )
    dataset = dataset_named(experiment.dataset)
    return full_network(experiment, {}, dataset.features, dataset.outputs)
