"""The contract that rows must satisfy to be stored."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from search.columns import names_of
from search.indices import IndexSet
from search.schema import CONNECTIONS, RESULT_SCHEMA, STATUSES
from storage.data.parts import index_array
from storage.errors import RowsRefused

_METRICS = names_of("metric")
_PARAMETERS = (("weight_index", "weights"), ("bias_index", "biases"))
_MEASURED = ("ok", "collapsed")


def check_rows(
    batch: pa.RecordBatch,
    study_name: str,
    sweep_id: str,
    indices: IndexSet,
    *,
    published: bool,
) -> None:
    """Check that a batch holds results that may be stored, with these names and indices.

    Raises:
        RowsRefused: a column is wrong; the message says which and how.
    """
    _check_schema(batch)
    check_values(batch)
    _check_complete(batch, published)
    _check_constant(batch, "study", study_name)
    _check_constant(batch, "sweep_id", sweep_id)
    found = np.sort(batch.column("study_index").to_numpy())
    if not np.array_equal(found, index_array(indices)):
        raise RowsRefused(
            f"The column study_index of {batch.num_rows} rows does not hold exactly the "
            f"{len(indices)} given indices."
        )


def check_values(batch: pa.RecordBatch) -> None:
    """Check, like `check_rows`, the part of the contract that is the same in all versions."""
    for field in RESULT_SCHEMA:
        _check_column(field, batch.column(field.name))
    status, accuracy = batch.column("status"), batch.column("accuracy")
    if _some(pc.invert(pc.is_in(status, pa.array(STATUSES)))):
        raise RowsRefused(f"The column status must be one of {', '.join(STATUSES)}.")
    measured = pc.is_in(status, pa.array(_MEASURED))
    for name in _METRICS:
        valid = pc.is_valid(batch.column(name))
        if _some(pc.and_(valid, pc.invert(measured))):
            raise RowsRefused(f"The column {name} must be NULL in a row without a trained network.")
    if _some(pc.and_(measured, pc.is_null(accuracy))):
        raise RowsRefused("The column accuracy is NULL in a row with a trained network.")
    if _some(pc.or_(pc.less(accuracy, 0.0), pc.greater(accuracy, 1.0))):
        raise RowsRefused("The column accuracy must be a fraction from 0 to 1.")


def _check_schema(batch: pa.RecordBatch) -> None:
    if batch.schema.equals(RESULT_SCHEMA):
        return
    for position, expected in enumerate(RESULT_SCHEMA):
        found = batch.schema.field(position) if position < len(batch.schema) else None
        if found is None or not found.equals(expected):
            raise RowsRefused(f"Column {position} of a result must be {expected}, not {found}.")
    extra = batch.schema.names[len(RESULT_SCHEMA) :]
    raise RowsRefused(f"A result has no column {', '.join(extra)}.")


def _check_column(field: pa.Field, column: pa.Array) -> None:
    """Check that a column has no NULL, NaN or infinity where it must not have one."""
    if not field.nullable and column.null_count:
        raise RowsRefused(f"The column {field.name} must not be NULL.")
    is_list = pa.types.is_list(field.type)
    values = column.flatten() if is_list else column
    if is_list and field.name != "masks" and values.null_count:
        raise RowsRefused(f"The column {field.name} must not have a NULL in a list.")
    if pa.types.is_floating(values.type) and _some(pc.invert(pc.is_finite(values))):
        raise RowsRefused(
            f"The column {field.name} has a NaN or an infinity. The metrics and parameters of a "
            "diverged training are NULL."
        )


def _check_complete(batch: pa.RecordBatch, published: bool) -> None:
    """Check that every row has what rows of this version have, beside `check_values`."""
    status = batch.column("status")
    measured = pc.is_in(status, pa.array(_MEASURED))
    for name in _METRICS:
        column = batch.column(name)
        # Files that were published before a column existed leave it NULL.
        absent = published and column.null_count == batch.num_rows
        if not absent and _some(pc.and_(measured, pc.is_null(column))):
            raise RowsRefused(f"The column {name} is NULL in a row with a trained network.")
    connection = pc.drop_null(batch.column("connection"))
    if _some(pc.invert(pc.is_in(connection, pa.array(CONNECTIONS)))):
        raise RowsRefused(f"The column connection must be one of {', '.join(CONNECTIONS)}.")
    if _some(pc.and_(pc.equal(status, "failed"), pc.is_null(batch.column("reason")))):
        raise RowsRefused("A row with the status failed must have a reason.")
    for positions, values in _PARAMETERS:
        counts = [pc.list_value_length(batch.column(name)) for name in (positions, values)]
        missing = [pc.is_null(count) for count in counts]
        if _some(pc.xor(*missing)) or _some(pc.not_equal(*counts)):
            raise RowsRefused(f"The columns {positions} and {values} must have the same lengths.")
        if not published and _some(pc.and_(measured, missing[0])):
            raise RowsRefused(f"The column {values} is NULL in a row with a trained network.")


def _check_constant(batch: pa.RecordBatch, name: str, value: str) -> None:
    for found in pc.unique(batch.column(name)).to_pylist():
        if found != value:
            raise RowsRefused(f"The column {name} must be {value!r} in these rows, not {found!r}.")


def _some(condition: pa.Array) -> bool:
    return bool(pc.any(condition, min_count=0).as_py())
