"""What one training yields: the Arrow schema of a stored result."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Raised by one whenever `RESULT_SCHEMA` changes."""

STATUSES = ("ok", "collapsed", "diverged", "failed")
"""ok; collapsed: trained, but no weight lies on a path from an input to the output; diverged: a
weight or the loss became infinite or NaN, all metrics are NULL; failed: the training could not be
carried out, `reason` says why, all metrics are NULL."""

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
