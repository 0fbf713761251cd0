"""Retraining of stored rows, for networks whose weights are not stored, and for comparisons.

A row that starts from another row's network (`search.lineage`) is trained after its ancestors, from
the root on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from search.datasets import dataset_named
from search.experiment import FRESH_INIT, Experiment
from search.layers import Layers, StoredInit
from search.lineage import ROW_INIT, RowInit
from search.specification import experiment_of
from storage.log.init_entries import FrozenInit, PublishedInit
from storage.results_reader import ParentRow
from workers.initial import full_network
from workers.other_arithmetic import train_as
from workers.stored_init import load_stored_init, remade_init
from workers.trained import stored_layers

COMPARED = (
    "status",
    "accuracy",
    "loss",
    "test_accuracy",
    "test_loss",
    "weight_nnz",
    "model_nnz",
    "effective_nnz",
)
"""Columns that must be reproduced, bit for bit on the same backend."""

Init = FrozenInit | PublishedInit | ParentRow | None
"""A stored initialisation, or how to recreate it; None if it is not stored."""

InitOf = Callable[[str], Init]
"""Returns the initialisation of a token, as `ResultsReader.init` does."""


class WeightsNotStored(ValueError):  # noqa: N818 - states the condition
    """The row has no weights: they were not published."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(
            f"the weights of experiment {row['experiment_id']} were not published. "
            f"store.network({row['experiment_id']!r}, retrain=True) trains it again and checks "
            "that the result is the published one"
        )


class NotTheSame(ValueError):  # noqa: N818 - states the condition
    """Training the row again gave another result."""


def was_left_out(row: Mapping[str, Any]) -> bool:
    """Return whether a row had a network whose weights were not published."""
    return row["weights"] is None and row.get("status") in ("ok", "collapsed")


def retrained(
    row: Mapping[str, Any], init_of: InitOf, init_file: Path | None = None
) -> dict[str, Any]:
    """Return the row with the network obtained by training its experiment again.

    Args:
        row: row of the view `results`.
        init_of: returns the stored initialisation that the row may start from.
        init_file: torch file of that initialisation, if it cannot be recreated.

    Raises:
        ValueError: the initialisation or an ancestor is missing, another version trained the row,
            or the data set has changed.
        NotTheSame: the result differs from the row, or that of an ancestor does.
    """
    return {**row, **_same(row, trained_again(row, init_of, init_file))}


def with_network(
    row: Mapping[str, Any], init_of: InitOf, init_file: Path | None = None
) -> Mapping[str, Any]:
    """Return the row, retrained (see `retrained`) if its weights were not published."""
    return retrained(row, init_of, init_file) if was_left_out(row) else row


def trained_again(
    row: Mapping[str, Any], init_of: InitOf, init_file: Path | None = None
) -> dict[str, Any]:
    """Train a row's experiment here and return the outcome, without comparing it with the row.

    The arithmetic is that of the processor that made the row, whatever this processor is. Ancestors
    are trained again first, and each must give its stored result. Arguments and errors are those of
    `retrained`.

    Returns:
        Column -> value of `workers.train.OUTCOME_SCHEMA`.
    """
    return _train(row, starting_weights(row, init_of, init_file, from_root=True))


def starting_weights(
    row: Mapping[str, Any], init_of: InitOf, init_file: Path | None = None, *, from_root: bool
) -> dict[str, StoredInit]:
    """Return the initialisation of a row by its token; empty if it is drawn from a seed.

    Of the row, `init` and `root_seed` are read. With `from_root`, ancestors are trained again even
    if their weights are stored. Errors are those of `retrained`.
    """
    ancestors: list[tuple[RowInit, Mapping[str, Any]]] = []
    while (parent := RowInit.parse(row["init"])) is not None:
        known = init_of(str(parent))
        if not isinstance(known, dict):
            of = f"experiment {row['experiment_id']}" if "experiment_id" in row else "a training"
            raise ValueError(
                f"{of} starts from row {parent.experiment_id}, which is not stored: train that row "
                "in this store first, or merge the store that has it"
            )
        row = known
        ancestors.append((parent, row))
        if parent.final and not from_root and not was_left_out(row):
            break
    inits: dict[str, StoredInit] = {}
    if row["init"] != FRESH_INIT and RowInit.parse(row["init"]) is None:
        inits[row["init"]] = _init(row["init"], row["root_seed"], init_of, init_file)
    for parent, ancestor in reversed(ancestors):
        layers = _weights(parent, ancestor, inits, from_root=from_root)
        inits = {str(parent): StoredInit(ROW_INIT, parent.digest, layers)}
    return inits


def _weights(
    parent: RowInit, row: Mapping[str, Any], inits: Mapping[str, StoredInit], *, from_root: bool
) -> Layers:
    """Return the weights of a row that another row starts from."""
    experiment = _experiment(row)
    if not parent.final:
        dataset = dataset_named(experiment.dataset)
        return full_network(experiment, inits, dataset.features, dataset.outputs)
    if row["status"] not in ("ok", "collapsed"):
        raise ValueError(
            f"row {parent.experiment_id} has status {row['status']!r}: it has no trained network "
            "to start from"
        )
    as_stored = not from_root and not was_left_out(row)
    return stored_layers(row if as_stored else {**row, **_same(row, _train(row, inits))})


def _experiment(row: Mapping[str, Any]) -> Experiment:
    experiment = experiment_of(row)
    if experiment.experiment_id != row["experiment_id"]:
        raise ValueError(
            f"the experiment of row {row['experiment_id']} has the id {experiment.experiment_id} "
            "in this version: use the version that trained it"
        )
    return experiment


def _train(row: Mapping[str, Any], inits: Mapping[str, StoredInit]) -> dict[str, Any]:
    new: dict[str, Any] = train_as(str(row["backend"]), [_experiment(row)], inits).to_pylist()[0]
    before, now = row.get("dataset_digest"), new["dataset_digest"]
    if before not in (None, now):
        raise ValueError(
            f"the data set {row['dataset']} has the digest {now} here, but experiment "
            f"{row['experiment_id']} was trained on {before}: install the versions with which the "
            "row was made (column `versions` of `sweeps`)"
        )
    return new


def _same(row: Mapping[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of training a row again, which must be the row's."""
    differing = [
        f"{name} {new[name]} instead of {row[name]}" for name in COMPARED if new[name] != row[name]
    ]
    if differing:
        raise NotTheSame(
            f"experiment {row['experiment_id']}, made by {row['backend']}, gives another result "
            f"when trained again by {new['backend']}: {', '.join(differing)}"
        )
    return new


def _init(token: str, root_seed: int, init_of: InitOf, init_file: Path | None) -> StoredInit:
    name, _, digest = token.partition(":")
    known = init_of(token)
    if isinstance(known, FrozenInit):
        return known
    if init_file is not None:
        init = load_stored_init(init_file, name)
    elif isinstance(known, PublishedInit) and known.found is not None:
        init = remade_init(name, known.found.label, root_seed)
    else:
        raise ValueError(
            f"the row starts from the initialisation {token}, which came from a file that is not "
            "published: name that file (init_file=..., or --init F)"
        )
    if init.digest != digest:
        raise ValueError(f"the row starts from {token}, not from {init.token}")
    return init


@dataclass(frozen=True)
class Difference:
    """Difference between the weights, or the biases, of two trainings.

    Attributes:
        count: number of parameters that either training keeps.
        differing: number of these whose bits differ, or that only one of the trainings keeps.
        largest: largest absolute difference; a parameter that is not kept counts as 0.
    """

    count: int
    differing: int
    largest: float

    @classmethod
    def between(
        cls,
        stored: tuple[Sequence[int], Sequence[float]],
        retrained: tuple[Sequence[int], Sequence[float]],
    ) -> Self:
        """Compare two trainings, each given as (indices, values)."""
        size = 1 + max((*stored[0], *retrained[0]), default=-1)
        kept = np.zeros((2, size), np.bool_)
        values = np.zeros((2, size), np.float32)
        for number, (index, of_index) in enumerate((stored, retrained)):
            kept[number, index] = True
            values[number, index] = of_index
        bits = values.view(np.uint32)
        differs = (kept[0] != kept[1]) | (bits[0] != bits[1])
        distance = np.abs(values[0].astype(np.float64) - values[1])
        return cls(int(kept.any(axis=0).sum()), int(differs.sum()), float(distance.max(initial=0)))


@dataclass(frozen=True)
class Replay:
    """Result of training a row again.

    Attributes:
        backend, backend_here: backends that made the row, and that trained it again.
        other_columns: column -> (stored value, new value), for those that differ.
        weights, biases: their differences; None if the row has none.
    """

    backend: str
    backend_here: str
    other_columns: Mapping[str, tuple[Any, Any]]
    weights: Difference | None
    biases: Difference | None

    @property
    def same(self) -> bool:
        """Whether everything that is stored was reproduced bit for bit."""
        parts = [part for part in (self.weights, self.biases) if part is not None]
        return not self.other_columns and not any(part.differing for part in parts)


def replay(row: Mapping[str, Any], init_of: InitOf, init_file: Path | None = None) -> Replay:
    """Train a row again, with the arithmetic that made it, and compare the results.

    Raises:
        ValueError: the row was never trained, or as for `retrained`.
    """
    if row["status"] == "failed":
        raise ValueError(
            f"experiment {row['experiment_id']} could not be trained ({row['reason']}): there is "
            "nothing to compare with"
        )
    new = trained_again(row, init_of, init_file)
    parts: list[Difference | None] = [
        None
        if row[values] is None or new[values] is None
        else Difference.between((row[index], row[values]), (new[index], new[values]))
        for index, values in (("weight_index", "weights"), ("bias_index", "biases"))
    ]
    others = {name: (row[name], new[name]) for name in COMPARED if row[name] != new[name]}
    return Replay(row["backend"], new["backend"], others, *parts)
