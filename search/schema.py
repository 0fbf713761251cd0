"""What one training yields: the Arrow schema of a stored result."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 2
"""Raised by one whenever `RESULT_SCHEMA` changes. Columns are only ever added, and may be NULL:
rows of an earlier version then read as rows of this one (`storage.data.parts`)."""

STATUSES = ("ok", "collapsed", "diverged", "failed")
"""ok; collapsed: trained, but no weight lies on a path from an input to the output; diverged: a
weight or the loss became infinite or NaN, all metrics are NULL; failed: the training could not be
carried out, `reason` says why, all metrics are NULL."""

CONNECTIONS = ("path", "bias-only", "none")
"""What reaches the output through nonzero weights. path: an input does; bias-only: no input does,
but a hidden neuron with a nonzero bias does, so the network is a constant that is trained through
that bias; none: nothing does, and the output is its own bias. Where it is not "path", the status is
"collapsed"."""

PRUNABLE_FROM = 0.9
PRUNABLE_UP_TO = 1_000
"""A row says how many more weights could be pruned where its accuracy is at least the first, and
its nonzero weights are at most the second: for more, counting could take longer than training."""

RESULT_SCHEMA = pa.schema(
    [
        # Which experiment of which study.
        pa.field("experiment_id", pa.string(), nullable=False),
        pa.field("study", pa.string(), nullable=False),
        pa.field("study_index", pa.int64(), nullable=False),  # from 0
        pa.field("paper_group", pa.string()),  # random, fixed-95, fixed-995; NULL outside the paper
        pa.field("paper_run_id", pa.int64()),  # the authors' RUN_ID, from 1
        # The specification (search.experiment.Experiment).
        pa.field("method", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("structure", pa.string()),  # "7x3x3"; NULL where the study names none
        pa.field("masks", pa.list_(pa.string())),  # of the first layers; NULL where it names none
        pa.field("lr", pa.float64(), nullable=False),
        pa.field("schedule", pa.string(), nullable=False),
        pa.field("momentum", pa.float64(), nullable=False),
        pa.field("weight_decay", pa.float64(), nullable=False),
        pa.field("batch_size", pa.int32(), nullable=False),
        pa.field("epochs", pa.int32(), nullable=False),  # of one round
        pa.field("target_nnz", pa.int32()),
        # JSON of the algorithm's settings that differ from the authors'; NULL where none does.
        pa.field("hyperparameters", pa.string()),
        pa.field("init", pa.string(), nullable=False),
        pa.field("replicate", pa.int32(), nullable=False),
        pa.field("root_seed", pa.int64(), nullable=False),
        # The outcome.
        pa.field("status", pa.string(), nullable=False),  # one of STATUSES
        pa.field("reason", pa.string()),
        pa.field("accuracy", pa.float64()),  # over all points, after the last epoch
        pa.field("loss", pa.float64()),  # mean binary cross-entropy over all points, likewise
        pa.field("weight_nnz", pa.int32()),  # weights that are exactly nonzero
        pa.field("model_nnz", pa.int32()),  # and biases
        pa.field("effective_nnz", pa.int32()),  # nonzero weights on an input-to-output path
        pa.field("disconnected_nnz", pa.int32()),  # nonzero weights on none
        # Nonzero weights of each layer, input side first; a 0 is a layer that has collapsed.
        pa.field("layer_nnz", pa.list_(pa.int32())),
        # Neurons of each hidden layer on an input-to-output path of nonzero weights.
        pa.field("used_neurons", pa.list_(pa.int32())),
        pa.field("connection", pa.string()),  # one of CONNECTIONS
        # Weights that magnitude pruning could still remove, one at a time and without retraining,
        # before the accuracy is more than 0.001 below the row's, below 0.95, below 0.995
        # (`workers.prunability`). NULL outside PRUNABLE_FROM and PRUNABLE_UP_TO, and where the
        # row's accuracy is below that bound itself.
        pa.field("prunable_own", pa.int32()),
        pa.field("prunable_95", pa.int32()),
        pa.field("prunable_995", pa.int32()),
        # Over all points after each epoch; NULL unless the curves were asked for.
        pa.field("epoch_loss", pa.list_(pa.float32())),
        pa.field("epoch_accuracy", pa.list_(pa.float32())),
        # The trained network: its layer sizes, and the parameters that are not masked, by their
        # place in the layers' row-major matrices (and vectors) laid one behind the other.
        pa.field("layers", pa.list_(pa.int32()), nullable=False),  # [2, 7, 3, 3, 1]
        pa.field("weight_index", pa.list_(pa.uint32())),
        pa.field("weights", pa.list_(pa.float32())),
        pa.field("bias_index", pa.list_(pa.uint32())),
        pa.field("biases", pa.list_(pa.float32())),
        # How it was made.
        pa.field("backend", pa.string(), nullable=False),
        pa.field("train_ms", pa.float64(), nullable=False),  # a batch's time shared out
        pa.field("sweep_id", pa.string(), nullable=False),
    ]
)
"""One row a training. `storage` adds d1, d2, d3 and mask1, mask2, mask3 as columns of its view."""
