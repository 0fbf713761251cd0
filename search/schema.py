"""The Arrow schema of a stored result, and the values of its columns."""

from __future__ import annotations

import pyarrow as pa

from search.columns import COLUMNS

SCHEMA_VERSION = 4
"""Incremented whenever `search.columns` gets a stored column. New columns may be NULL: rows of an
earlier version are then read as rows of this one (`storage.data.parts`)."""

STATUSES = ("ok", "collapsed", "diverged", "failed")
"""ok: trained; collapsed: trained, but no weight is on a path from an input to the output;
diverged: a weight or the loss became infinite or NaN; failed: the training raised an error, given
in `reason`. All metrics of diverged and failed trainings are NULL."""

CONNECTIONS = ("path", "bias-only", "none")
"""Kinds of connection to the output through nonzero weights. path: from an input; bias-only: from
no input, but from a hidden neuron with a nonzero bias, so the network is a constant that is trained
through that bias; none: from nothing, the output is its own bias. If it is not "path", the status
is "collapsed"."""

PRUNABLE_FROM = 0.9
PRUNABLE_UP_TO = 1_000
"""Minimum accuracy and maximum number of nonzero weights of a row with `prunable_*`: with more
weights, counting can take longer than training."""

RESULT_SCHEMA = pa.schema(
    [
        pa.field(column.name, column.type, nullable=not column.required)
        for column in COLUMNS
        if column.role != "view"
    ]
)
"""Schema of a stored result."""
