"""The columns of a result, each with its meaning; a result is one row for each training."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import partial
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
        description: meaning, as Markdown.
        unit: unit of its numbers; empty if it has none.
        role: role of the column.
        required: whether it is never NULL.
        since: schema version that added it.
    """

    name: str
    type: pa.DataType
    description: str
    unit: str = ""
    _: KW_ONLY
    role: Role
    required: bool = False
    since: int = 1


_id = partial(Column, role="id", required=True)
_position = partial(Column, role="position")
_field = partial(Column, role="specification", required=True)
_nullable_field = partial(Column, role="specification")
_status = partial(Column, role="status")
_metric = partial(Column, role="metric")
_optional = partial(Column, role="optional", since=2)
_parameter = partial(Column, role="parameter")
_origin = partial(Column, role="origin")
_view = partial(Column, role="view")

_INTS, _FLOATS, _TEXTS = pa.list_(pa.int32()), pa.list_(pa.float32()), pa.list_(pa.string())
_INDICES = pa.list_(pa.uint32())
_TEXT, _INT, _LONG, _DOUBLE = pa.string(), pa.int32(), pa.int64(), pa.float64()
_FRACTION = "fraction, 0 to 1"

COLUMNS = (
    _id(
        "experiment_id",
        _TEXT,
        "32 hexadecimal digits: hash of everything that decides the training",
    ),
    _field("study", _TEXT, "name of the study or sweep file"),
    _position(
        "study_index",
        _LONG,
        "index in the study, from 0; of a sweep file as it was when the row was stored",
        required=True,
    ),
    _position("paper_group", _TEXT, "`random`, `fixed-95` or `fixed-995`; NULL outside the paper"),
    _position(
        "paper_run_id", _LONG, "the authors' RUN_ID in that group, from 1; NULL outside the paper"
    ),
    _field("method", _TEXT, "`search` if masks are listed, or a pruning algorithm"),
    _field("dataset", _TEXT, "data set for training and measuring"),
    _field(
        "width",
        _INT,
        "width of the hidden layers of the full network, whose initial weights are drawn; of a "
        "pruning algorithm's `structure` the widest layer",
        "neurons",
    ),
    _nullable_field(
        "structure",
        _TEXT,
        "neurons in each hidden layer, such as `7x3x3`; NULL if a pruning algorithm starts from "
        "three hidden layers of `width`",
        "neurons",
    ),
    _view("d1", _INT, "first number of `structure`", "neurons"),
    _view("d2", _INT, "second number of `structure`; NULL if there is none", "neurons"),
    _view("d3", _INT, "third number of `structure`; NULL if there is none", "neurons"),
    _nullable_field(
        "masks", _TEXTS, "masks of the first layers as text; NULL if all layers are dense"
    ),
    _view("mask1", _TEXT, "`masks[1]`, of the first layer; NULL if there is none"),
    _view("mask2", _TEXT, "`masks[2]`"),
    _view("mask3", _TEXT, "`masks[3]`; those of deeper layers are only in `masks`"),
    _field("lr", _DOUBLE, "learning rate of the first epoch"),
    _field("schedule", _TEXT, "`cosine`, `step` or `constant`"),
    _field("momentum", _DOUBLE, "momentum of SGD"),
    _field("weight_decay", _DOUBLE, "weight decay of SGD, on weights and biases"),
    _field("batch_size", _INT, "points in a step", "points"),
    _field("epochs", _INT, "length of one round of training", "epochs"),
    _nullable_field(
        "target_nnz",
        _INT,
        "number of nonzero weights that a pruning algorithm aims at; NULL for `search`, for "
        "methods without a budget, and with `target_accuracy`",
        "weights",
    ),
    _nullable_field(
        "target_accuracy",
        _DOUBLE,
        "accuracy that a pruning algorithm keeps while it removes weights; NULL if it does not "
        "aim at one",
        _FRACTION,
        since=4,
    ),
    _nullable_field(
        "hyperparameters",
        _TEXT,
        "JSON of the algorithm's settings that differ from its defaults; NULL if none does",
        since=2,
    ),
    _field(
        "init",
        _TEXT,
        "`fresh`, NAME:DIGEST of a stored initialisation, or `row:ID` or `row:ID/final` for the "
        "initial or the trained weights of another row",
    ),
    _view("parent", _TEXT, "ID in `init`; NULL if no other row's weights are used"),
    _nullable_field(
        "init_scheme",
        _TEXT,
        "`torch`, `kaiming` or `xavier`, the distribution of fresh weights, if it is not the "
        "method's own; NULL: that of the method, `xavier` for SNIP and GraSP, otherwise `torch`",
        since=4,
    ),
    _field("replicate", _INT, "number of the independent repetition, from 0"),
    _nullable_field(
        "pair",
        pa.bool_(),
        "true if the random numbers are shared with other methods and settings (`pair = true`); "
        "NULL otherwise",
        since=4,
    ),
    _field("root_seed", _LONG, "root seed of the run (`--root-seed`)"),
    _status("status", _TEXT, "`ok`, `collapsed`, `diverged` or `failed`", required=True),
    _status("reason", _TEXT, "reason why a training diverged or failed; NULL otherwise"),
    _metric(
        "accuracy",
        _DOUBLE,
        "fraction of the points trained on that are classified correctly after the last epoch",
        _FRACTION,
    ),
    _metric(
        "loss",
        _DOUBLE,
        "mean cross-entropy over the points trained on after the last epoch",
        "nats",
    ),
    _optional(
        "test_accuracy",
        _DOUBLE,
        "`accuracy` on the data set's test split; NULL if it has none",
        _FRACTION,
        since=4,
    ),
    _optional(
        "test_loss",
        _DOUBLE,
        "`loss` on the data set's test split; NULL if it has none",
        "nats",
        since=4,
    ),
    _metric("weight_nnz", _INT, "weights that are not exactly zero", "weights"),
    _metric("model_nnz", _INT, "weights and biases that are not exactly zero", "parameters"),
    _metric(
        "effective_nnz", _INT, "nonzero weights on a path from an input to an output", "weights"
    ),
    _metric(
        "disconnected_nnz",
        _INT,
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
        _TEXT,
        "what reaches the output through nonzero weights: `path`, `bias-only` or `none`",
        since=2,
    ),
    _metric(
        "live_nnz",
        _INT,
        "nonzero weights on a path from an input to an output through neurons that are active on "
        "at least one point",
        "weights",
        since=3,
    ),
    _metric(
        "dead_neurons",
        _INT,
        "hidden neurons on a path from an input to an output that are active on no point",
        "neurons",
        since=3,
    ),
    _metric(
        "linear_neurons",
        _INT,
        "hidden neurons on a path as for `live_nnz` that are active on every point",
        "neurons",
        since=3,
    ),
    _metric(
        "folded_nnz",
        _INT,
        "weights left after dead neurons are deleted and linear neurons folded into what follows",
        "weights",
        since=3,
    ),
    *(
        _optional(
            name, _INT, f"weights that can be pruned before the accuracy is {bound}", "weights"
        )
        for name, bound in (
            ("prunable_own", "more than 0.001 below the row's"),
            ("prunable_95", "below 0.95"),
            ("prunable_995", "below 0.995"),
        )
    ),
    _optional("epoch_loss", _FLOATS, "`loss` after each epoch; NULL without `--curves`", "nats"),
    _optional(
        "epoch_accuracy", _FLOATS, "`accuracy` after each epoch; NULL without `--curves`", _FRACTION
    ),
    _origin(
        "steps",
        _LONG,
        "optimiser steps of the training, in all rounds and of all candidates; the steps and "
        "gradients that only score weights are not counted",
        "steps",
        since=4,
    ),
    _origin(
        "edge_updates",
        _LONG,
        "sum over these steps of the number of unmasked weights: the weights of a fixed mask times "
        "`steps`. Without masks every weight of the network counts, however many free parameters "
        "it is made from",
        "weights",
        since=4,
    ),
    _origin(
        "extras",
        _TEXT,
        "JSON object that the method stored beside the row; NULL if it stored nothing",
        since=4,
    ),
    _origin(
        "dataset_digest",
        _TEXT,
        "16 hexadecimal digits: digest of all points and labels of the data set, the test split "
        "included",
        since=4,
    ),
    _origin(
        "layers",
        _INTS,
        "inputs, hidden layers and outputs of the trained network, such as `[2, 7, 3, 3, 1]`",
        "neurons",
        required=True,
    ),
    _parameter("weight_index", _INDICES, "indices of the unmasked weights, from 0"),
    _parameter("weights", _FLOATS, "trained values of these weights"),
    _parameter("bias_index", _INDICES, "indices of the unmasked biases, from 0"),
    _parameter("biases", _FLOATS, "trained values of these biases"),
    _origin(
        "backend",
        _TEXT,
        "trainer: `numba-avx512`, `numba-avx2`, ... on the CPU, `torch-cuda` on a GPU",
        required=True,
    ),
    _origin(
        "train_ms",
        _DOUBLE,
        "wall-clock time of the training. Networks are trained together and share its time by "
        "their sizes; rows made before 0.10 can include seconds of compiling",
        "ms",
        required=True,
    ),
    _origin("sweep_id", _TEXT, "run that made the row, in `sweeps`", required=True),
)
"""The columns of the view `results`, in order."""


def names_of(*roles: Role) -> tuple[str, ...]:
    """Return the names of the columns with one of these roles, in order."""
    return tuple(column.name for column in COLUMNS if column.role in roles)
