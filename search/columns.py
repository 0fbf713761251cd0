"""The columns of a result, each with its meaning; a result is one row for each training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Role = Literal[
    "id", "position", "specification", "status", "metric", "optional", "parameter", "origin", "view"
]
"""Role of a column: the experiment's "id"; its "position" in a study; a field of its
"specification" (`search.experiment.Experiment`); the "status" of the training; a "metric", NULL
exactly if the status is diverged or failed; an "optional" metric, which may be NULL in any row; a
"parameter" list of the trained network; the "origin" of the row; or a part of another column that
only the "view" of a store has."""


@dataclass(frozen=True)
class Column:
    """A column of the view `results` of a store.

    Attributes:
        name: its name.
        type: its type.
        role: role of the column.
        description: meaning, as Markdown.
        unit: unit of its numbers; empty if it has none.
        required: whether it is never NULL.
        since: schema version that added it.
    """

    name: str
    type: pa.DataType
    role: Role
    description: str
    unit: str = ""
    required: bool = False
    since: int = 1


def _specification(
    name: str,
    kind: pa.DataType,
    description: str,
    unit: str = "",
    *,
    required: bool = True,
    since: int = 1,
) -> Column:
    return Column(name, kind, "specification", description, unit, required, since)


def _metric(
    name: str, kind: pa.DataType, description: str, unit: str = "", *, since: int = 1
) -> Column:
    return Column(name, kind, "metric", description, unit, since=since)


def _optional(
    name: str, kind: pa.DataType, description: str, unit: str, *, since: int = 2
) -> Column:
    return Column(name, kind, "optional", description, unit, since=since)


def _view(name: str, kind: pa.DataType, description: str, unit: str = "") -> Column:
    return Column(name, kind, "view", description, unit)


_INTS, _FLOATS, _TEXTS = pa.list_(pa.int32()), pa.list_(pa.float32()), pa.list_(pa.string())
_INDICES = pa.list_(pa.uint32())

COLUMNS = (
    Column(
        "experiment_id",
        pa.string(),
        "id",
        "32 hexadecimal digits: hash of everything that decides the training",
        required=True,
    ),
    _specification("study", pa.string(), "name of the study or sweep file"),
    Column(
        "study_index",
        pa.int64(),
        "position",
        "index in the study, from 0; of a sweep file as it was when the row was stored",
        required=True,
    ),
    Column(
        "paper_group",
        pa.string(),
        "position",
        "`random`, `fixed-95` or `fixed-995`; NULL outside the paper",
    ),
    Column(
        "paper_run_id",
        pa.int64(),
        "position",
        "the authors' RUN_ID in that group, from 1; NULL outside the paper",
    ),
    _specification("method", pa.string(), "`search` if masks are listed, or a pruning algorithm"),
    _specification("dataset", pa.string(), "data set for training and measuring"),
    _specification(
        "width",
        pa.int32(),
        "width of the hidden layers of the full network, whose initial weights are drawn; of a "
        "pruning algorithm's `structure` the widest layer",
        "neurons",
    ),
    _specification(
        "structure",
        pa.string(),
        "neurons in each hidden layer, such as `7x3x3`; NULL if a pruning algorithm starts from "
        "three hidden layers of `width`",
        "neurons",
        required=False,
    ),
    _view("d1", pa.int32(), "first number of `structure`", "neurons"),
    _view("d2", pa.int32(), "second number of `structure`; NULL if there is none", "neurons"),
    _view("d3", pa.int32(), "third number of `structure`; NULL if there is none", "neurons"),
    _specification(
        "masks",
        _TEXTS,
        "masks of the first layers as text; NULL if all layers are dense",
        required=False,
    ),
    _view("mask1", pa.string(), "`masks[1]`, of the first layer; NULL if there is none"),
    _view("mask2", pa.string(), "`masks[2]`"),
    _view("mask3", pa.string(), "`masks[3]`; those of deeper layers are only in `masks`"),
    _specification("lr", pa.float64(), "learning rate of the first epoch"),
    _specification("schedule", pa.string(), "`cosine`, `step` or `constant`"),
    _specification("momentum", pa.float64(), "momentum of SGD"),
    _specification("weight_decay", pa.float64(), "weight decay of SGD, on weights and biases"),
    _specification("batch_size", pa.int32(), "points in a step", "points"),
    _specification("epochs", pa.int32(), "length of one round of training", "epochs"),
    _specification(
        "target_nnz",
        pa.int32(),
        "number of nonzero weights that a pruning algorithm aims at; NULL for `search`, for "
        "methods without a budget, and with `target_accuracy`",
        "weights",
        required=False,
    ),
    _specification(
        "target_accuracy",
        pa.float64(),
        "accuracy that a pruning algorithm keeps while it removes weights; NULL if it does not "
        "aim at one",
        "fraction, 0 to 1",
        required=False,
        since=4,
    ),
    _specification(
        "hyperparameters",
        pa.string(),
        "JSON of the algorithm's settings that differ from the authors'; NULL if none does",
        required=False,
        since=2,
    ),
    _specification(
        "init",
        pa.string(),
        "`fresh`, NAME:DIGEST of a stored initialisation, or `row:ID` or `row:ID/final` for the "
        "initial or the trained weights of another row",
    ),
    _view("parent", pa.string(), "ID in `init`; NULL if no other row's weights are used"),
    _specification(
        "init_scheme",
        pa.string(),
        "`torch`, `kaiming` or `xavier`, the distribution of fresh weights, if it is not the "
        "method's own; NULL: that of the method, `xavier` for SNIP and GraSP, otherwise `torch`",
        required=False,
        since=4,
    ),
    _specification("replicate", pa.int32(), "number of the independent repetition, from 0"),
    _specification(
        "pair",
        pa.bool_(),
        "true if the random numbers are shared with other methods and settings (`pair = true`); "
        "NULL otherwise",
        required=False,
        since=4,
    ),
    _specification("root_seed", pa.int64(), "root seed of the run (`--root-seed`)"),
    Column(
        "status", pa.string(), "status", "`ok`, `collapsed`, `diverged` or `failed`", required=True
    ),
    Column(
        "reason", pa.string(), "status", "reason why a training diverged or failed; NULL otherwise"
    ),
    _metric(
        "accuracy",
        pa.float64(),
        "fraction of the points trained on that are classified correctly after the last epoch",
        "fraction, 0 to 1",
    ),
    _metric(
        "loss",
        pa.float64(),
        "mean cross-entropy over the points trained on after the last epoch",
        "nats",
    ),
    _optional(
        "test_accuracy",
        pa.float64(),
        "`accuracy` on the data set's test split; NULL if it has none",
        "fraction, 0 to 1",
        since=4,
    ),
    _optional(
        "test_loss",
        pa.float64(),
        "`loss` on the data set's test split; NULL if it has none",
        "nats",
        since=4,
    ),
    _metric("weight_nnz", pa.int32(), "weights that are not exactly zero", "weights"),
    _metric("model_nnz", pa.int32(), "weights and biases that are not exactly zero", "parameters"),
    _metric(
        "effective_nnz",
        pa.int32(),
        "nonzero weights on a path from an input to an output",
        "weights",
    ),
    _metric(
        "disconnected_nnz",
        pa.int32(),
        "nonzero weights on no such path: `weight_nnz - effective_nnz`",
        "weights",
        since=2,
    ),
    _metric(
        "layer_nnz",
        _INTS,
        "nonzero weights of each layer, input side first; 0 is a collapsed layer",
        "weights",
        since=2,
    ),
    _metric(
        "used_neurons",
        _INTS,
        "neurons of each hidden layer on a path of nonzero weights from an input to an output",
        "neurons",
        since=2,
    ),
    _metric(
        "connection",
        pa.string(),
        "what reaches the output through nonzero weights: `path`, `bias-only` or `none`",
        since=2,
    ),
    _metric(
        "live_nnz",
        pa.int32(),
        "nonzero weights on a path from an input to an output through neurons that are active on "
        "at least one point",
        "weights",
        since=3,
    ),
    _metric(
        "dead_neurons",
        pa.int32(),
        "hidden neurons on a path from an input to an output that are active on no point",
        "neurons",
        since=3,
    ),
    _metric(
        "linear_neurons",
        pa.int32(),
        "hidden neurons on a path as for `live_nnz` that are active on every point",
        "neurons",
        since=3,
    ),
    _metric(
        "folded_nnz",
        pa.int32(),
        "weights left after dead neurons are deleted and linear neurons folded into what follows",
        "weights",
        since=3,
    ),
    _optional(
        "prunable_own",
        pa.int32(),
        "weights that can be pruned before the accuracy is more than 0.001 below the row's",
        "weights",
    ),
    _optional(
        "prunable_95",
        pa.int32(),
        "weights that can be pruned before the accuracy is below 0.95",
        "weights",
    ),
    _optional(
        "prunable_995",
        pa.int32(),
        "weights that can be pruned before the accuracy is below 0.995",
        "weights",
    ),
    _optional("epoch_loss", _FLOATS, "`loss` after each epoch; NULL without `--curves`", "nats"),
    _optional(
        "epoch_accuracy",
        _FLOATS,
        "`accuracy` after each epoch; NULL without `--curves`",
        "fraction, 0 to 1",
    ),
    Column(
        "steps",
        pa.int64(),
        "origin",
        "optimiser steps of the training, in all rounds and of all candidates; the steps and "
        "gradients that only score weights are not counted",
        "steps",
        since=4,
    ),
    Column(
        "edge_updates",
        pa.int64(),
        "origin",
        "sum over these steps of the number of unmasked weights: the weights of a fixed mask times "
        "`steps`. Without masks every weight of the network counts, however many free parameters "
        "it is made from",
        "weights",
        since=4,
    ),
    Column(
        "extras",
        pa.string(),
        "origin",
        "JSON object that the method stored beside the row; NULL if it stored nothing",
        since=4,
    ),
    Column(
        "dataset_digest",
        pa.string(),
        "origin",
        "16 hexadecimal digits: digest of all points and labels of the data set, the test split "
        "included",
        since=4,
    ),
    Column(
        "layers",
        _INTS,
        "origin",
        "inputs, hidden layers and outputs of the trained network, such as `[2, 7, 3, 3, 1]`",
        "neurons",
        required=True,
    ),
    Column("weight_index", _INDICES, "parameter", "indices of the unmasked weights, from 0"),
    Column("weights", _FLOATS, "parameter", "trained values of these weights"),
    Column("bias_index", _INDICES, "parameter", "indices of the unmasked biases, from 0"),
    Column("biases", _FLOATS, "parameter", "trained values of these biases"),
    Column(
        "backend",
        pa.string(),
        "origin",
        "trainer: `numba-avx512`, `numba-avx2`, ... on the CPU, `torch-cuda` on a GPU",
        required=True,
    ),
    Column(
        "train_ms",
        pa.float64(),
        "origin",
        "wall-clock time of the training. Networks are trained together and share its time by "
        "their sizes; the first rows of a worker can include seconds of compilation",
        "ms",
        required=True,
    ),
    Column("sweep_id", pa.string(), "origin", "run that made the row, in `sweeps`", required=True),
)
"""The columns of the view `results`, in order."""


def names_of(*roles: Role) -> tuple[str, ...]:
    """Return the names of the columns with one of these roles, in order."""
    return tuple(column.name for column in COLUMNS if column.role in roles)
