"""Making a data file: rows as Parquet bytes, with the entry that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import pyarrow as pa

from search.indices import IndexSet
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.log.entries import RowsCommitted, RowsOfSweep, no_rows_by_status
from storage.log.sweep_info import software_versions
from storage.paths import StorePaths

# Measured on 8,192 rows of masked 7x3x3 networks: 211 bytes a row in 13 ms with these encodings,
# 330 bytes in 72 ms with Arrow's default, which builds dictionaries of columns that never repeat.
_ENCODINGS = {
    "study_index": "DELTA_BINARY_PACKED",
    "paper_run_id": "DELTA_BINARY_PACKED",
    "accuracy": "PLAIN",
    "loss": "BYTE_STREAM_SPLIT",
    "experiment_id": "PLAIN",
    "weights.list.element": "BYTE_STREAM_SPLIT",
    "biases.list.element": "BYTE_STREAM_SPLIT",
}
_ROWS_IN_A_GROUP = 25_000
"""Number of rows in a row group. DuckDB reads the groups of a file in parallel."""

_EARLIER_SCHEMAS = {
    1: "a7771e7c45e5ac22b8b704c92542daeda1cd923ad7f8dcd6991537a284582d40",
    2: "29fa2cec4d8c881b133d74615099089baa00434d74904cb7d2b0f304d59df0f3",
    3: "801111efce5c42ba91c421775af11810c26040f96c78874e6de8967b89f1d1c8",
}
"""Version of the columns -> `schema_sha256` of that version. Files of these versions are read as
they are: the columns that they lack are NULL."""

STUDIES_NOTE: Final = b"sparsest_studies"
"""Key in a file's metadata: JSON list of [digest, name, number of rows] of its studies, in order.
The log has the same list; with this copy a lost log can be rebuilt."""

VERSION_NOTE: Final = b"sparsest_schema_version"
"""Key in a file's metadata: version of the columns."""


@cache
def schema_sha256() -> str:
    """Return the SHA-256 of the names, types and nullability of the columns of a result."""
    text = "\n".join(f"{field.name} {field.type} {field.nullable}" for field in RESULT_SCHEMA)
    return hashlib.sha256(text.encode()).hexdigest()


def known_schemas() -> dict[int, str]:
    """Return version of the columns -> `schema_sha256`, for all versions that can be read."""
    return _EARLIER_SCHEMAS | {SCHEMA_VERSION: schema_sha256()}


def to_parquet(rows: pa.Table, notes: Mapping[bytes, str] | None = None) -> pa.Buffer:
    """Return the bytes of a Parquet file of `RESULT_SCHEMA`, with notes in its metadata."""
    versions = {
        VERSION_NOTE: str(SCHEMA_VERSION),
        b"sparsest_version": software_versions().get("sparsest", "unknown"),
    }
    noted = rows.replace_schema_metadata(versions | dict(notes or {}))
    return parquet_bytes(noted, _ENCODINGS, row_group_size=_ROWS_IN_A_GROUP)


def parquet_bytes(rows: pa.Table, encodings: Mapping[str, str], **options: Any) -> pa.Buffer:
    """Return the bytes of a Parquet file; columns without an encoding have a dictionary."""
    # Imported here and below: commands that only read need neither.
    import pyarrow.parquet as pq

    # The paths by which a Parquet writer addresses columns.
    paths = [
        f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
        for field in rows.schema
    ]
    options |= {"use_dictionary": [path for path in paths if path not in encodings]}
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", column_encoding=dict(encodings), **options)
    return sink.getvalue()


def make_part(
    paths: StorePaths,
    rows: pa.Table,
    indices: Mapping[str, IndexSet],
    studies: Mapping[str, str],
) -> tuple[pa.Buffer, RowsCommitted]:
    """Return the bytes of a new data file, and the entry that names it.

    The rows are in the order that `RowsCommitted` requires. `indices` maps the digest of a study to
    its indices among them, and `studies` the digests of these studies, and perhaps others, to their
    names.
    """
    counts = [(digest, studies[digest], len(some)) for digest, some in indices.items()]
    data = to_parquet(rows, {STUDIES_NOTE: json.dumps(counts)})
    part = RowsCommitted(
        file=paths.new_part().name,
        bytes=data.size,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=rows.num_rows,
        schema_version=SCHEMA_VERSION,
        schema_sha256=schema_sha256(),
        sweeps=rows_of_sweeps(rows),
        indices={digest: list(some.intervals) for digest, some in indices.items()},
        studies={digest: studies[digest] for digest in indices},
    )
    return data, part


def rows_of_sweeps(rows: pa.Table) -> dict[str, RowsOfSweep]:
    """Return sweep_id -> totals, for rows with the columns sweep_id, status, train_ms."""
    import pyarrow.compute as pc

    totals = {}
    for sweep_id in sorted(rows.column("sweep_id").unique().to_pylist()):
        ours = rows.filter(pc.equal(rows.column("sweep_id"), sweep_id))
        by_status = no_rows_by_status()
        for count in ours.column("status").value_counts().to_pylist():
            by_status[count["values"]] = count["counts"]
        totals[sweep_id] = RowsOfSweep(
            rows=ours.num_rows,
            by_status=by_status,
            train_seconds=pc.sum(ours.column("train_ms")).as_py() / 1000,
        )
    return totals
