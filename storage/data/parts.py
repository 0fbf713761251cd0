"""The data files: rows as Parquet bytes, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from search.id_set import IdSet
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.errors import DataFileDamaged, StoreDamaged, StoreVersion
from storage.log.entries import RowsCommitted, RowsOfSweep, no_rows_by_status
from storage.paths import StorePaths

# Measured on 8,192 rows of masked 7x3x3 networks: 211 bytes a row in 13 ms with these encodings,
# 330 bytes in 72 ms with Arrow's own choice, a dictionary for columns that never repeat as well.
_ENCODINGS = {
    "study_index": "DELTA_BINARY_PACKED",
    "paper_run_id": "DELTA_BINARY_PACKED",
    "accuracy": "PLAIN",
    "loss": "BYTE_STREAM_SPLIT",
    "experiment_id": "PLAIN",
    "weights.list.element": "BYTE_STREAM_SPLIT",
    "biases.list.element": "BYTE_STREAM_SPLIT",
}
_COMPRESSION = "zstd"
_ROWS_IN_A_GROUP = 25_000
"""DuckDB reads the groups of a file at the same time, one on each core."""

_EARLIER_SCHEMAS = {
    1: "a7771e7c45e5ac22b8b704c92542daeda1cd923ad7f8dcd6991537a284582d40",
}
"""Version of the columns -> `schema_sha256` as it was then. Files of these versions stay as they
are and are read as they are: the columns that they lack are NULL."""


@cache
def schema_sha256() -> str:
    """SHA-256 of the names, types and nullability of the columns of a result."""
    text = "\n".join(f"{field.name} {field.type} {field.nullable}" for field in RESULT_SCHEMA)
    return hashlib.sha256(text.encode()).hexdigest()


def to_parquet(rows: pa.Table) -> pa.Buffer:
    """Rows of `RESULT_SCHEMA` -> the bytes of a Parquet file that says what wrote it."""
    notes = {
        "sparsest_schema_version": str(SCHEMA_VERSION),
        "sparsest_version": _software_version(),
    }
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows.replace_schema_metadata(notes),
        sink,
        compression=_COMPRESSION,
        row_group_size=_ROWS_IN_A_GROUP,
        use_dictionary=[path for path in _column_paths() if path not in _ENCODINGS],
        column_encoding=_ENCODINGS,
        write_statistics=True,
    )
    return sink.getvalue()


def make_part(
    paths: StorePaths,
    rows: pa.Table,
    indices: Mapping[str, list[tuple[int, int]]],
    studies: Mapping[str, str],
) -> tuple[pa.Buffer, RowsCommitted]:
    """The bytes of a new data file, and the entry that names it.

    Args:
        paths: of the store.
        rows: of `RESULT_SCHEMA`, in the order that `RowsCommitted` asks for.
        indices: digest of a study -> its indices among the rows, as intervals.
        studies: digest of a study -> its name.
    """
    data = to_parquet(rows)
    part = RowsCommitted(
        file=paths.new_part().name,
        bytes=data.size,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=rows.num_rows,
        schema_version=SCHEMA_VERSION,
        schema_sha256=schema_sha256(),
        sweeps=rows_of_sweeps(rows),
        indices=dict(indices),
        studies=dict(studies),
    )
    return data, part


def rows_of_sweeps(rows: pa.Table) -> dict[str, RowsOfSweep]:
    """What each sweep has made of some rows, by its id.

    Args:
        rows: with the columns sweep_id, status and train_ms.
    """
    found = {}
    for sweep_id in sorted(pc.unique(rows.column("sweep_id")).to_pylist()):
        ours = rows.filter(pc.equal(rows.column("sweep_id"), sweep_id))
        by_status = no_rows_by_status()
        for count in pc.value_counts(ours.column("status")).to_pylist():
            by_status[count["values"]] = count["counts"]
        found[sweep_id] = RowsOfSweep(
            rows=ours.num_rows,
            by_status=by_status,
            train_seconds=pc.sum(ours.column("train_ms")).as_py() / 1000,
        )
    return found


def check_part_schema(paths: StorePaths, part: RowsCommitted) -> None:
    """Passes where the rows of a data file have columns that this version of sparsest can read.

    Raises:
        StoreVersion: they were written by a newer version.
        StoreDamaged: they are said to be of a version that had other columns.
    """
    if part.schema_version > SCHEMA_VERSION:
        raise StoreVersion(
            f"{paths.part(part.file)} has columns of version {part.schema_version}; this version "
            f"of sparsest reads up to {SCHEMA_VERSION}. Use the version that wrote it, or a newer "
            "one."
        )
    known = _EARLIER_SCHEMAS | {SCHEMA_VERSION: schema_sha256()}
    if part.schema_sha256 != known.get(part.schema_version):
        raise StoreDamaged(
            paths.part(part.file),
            f"its columns are not those of version {part.schema_version} of a result",
        )


def check_file_schema(paths: StorePaths, part: RowsCommitted) -> None:
    """Passes where a data file has the columns of the version that its entry names.

    Raises:
        StoreDamaged: it has others, or cannot be read.
    """
    check_part_size(paths, part)
    file = paths.part(part.file)
    try:
        schema = pq.read_schema(file)
    except (OSError, pa.ArrowException) as error:
        raise StoreDamaged(file, f"cannot be read ({error})") from error
    known = [RESULT_SCHEMA.field(name) for name in schema.names if name in RESULT_SCHEMA.names]
    whole = part.schema_version < SCHEMA_VERSION or len(known) == len(RESULT_SCHEMA)
    if not whole or not schema.equals(pa.schema(known)):
        raise StoreDamaged(file, f"does not have the columns of version {part.schema_version}")


def check_part_size(paths: StorePaths, part: RowsCommitted) -> None:
    """Passes where a data file exists and has the size that the log names.

    Raises:
        DataFileDamaged: it is missing, or was truncated or extended.
    """
    file = paths.part(part.file)
    try:
        size = file.stat().st_size
    except OSError as error:
        raise DataFileDamaged(file, f"named by the log, and missing ({error.strerror})") from error
    if size != part.bytes:
        raise DataFileDamaged(file, f"has {size} bytes; the log says {part.bytes}")


def check_part_content(paths: StorePaths, part: RowsCommitted) -> None:
    """Passes where every byte of a data file is the one that was written.

    Raises:
        DataFileDamaged: the file is missing, or was changed.
    """
    check_part_size(paths, part)
    file = paths.part(part.file)
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataFileDamaged(file, f"cannot be read ({error.strerror})") from error
    if digest != part.sha256:
        raise _changed(paths, part)


def part_bytes(paths: StorePaths, part: RowsCommitted) -> bytes:
    """The bytes of a data file, each as it was written.

    Raises:
        DataFileDamaged: the file is missing, or was changed.
    """
    check_part_size(paths, part)
    file = paths.part(part.file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataFileDamaged(file, f"cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise _changed(paths, part)
    return data


def read_part(paths: StorePaths, part: RowsCommitted) -> pa.Table:
    """The rows of a data file with all columns of `RESULT_SCHEMA`; those that it lacks are NULL.

    Raises:
        DataFileDamaged: the file is missing, was changed, or has other rows than its entry says.
    """
    data = part_bytes(paths, part)
    file = paths.part(part.file)
    try:
        stored = pq.read_table(pa.BufferReader(data))
        columns = [
            stored.column(field.name)
            if field.name in stored.column_names
            else pa.nulls(stored.num_rows, field.type)
            for field in RESULT_SCHEMA
        ]
        rows = pa.table(columns, schema=RESULT_SCHEMA)
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise DataFileDamaged(file, f"cannot be read ({error})") from error
    if rows.num_rows != part.rows:
        raise DataFileDamaged(file, f"has {rows.num_rows} rows; the log says {part.rows}")
    sweeps = set(pc.unique(rows.column("sweep_id")).to_pylist())
    if sweeps != part.sweeps.keys():
        raise DataFileDamaged(file, "its rows are of other sweeps than the log says")
    return rows


def ids_of_other_versions(
    paths: StorePaths, parts: Iterable[RowsCommitted], study_name: str, study_digest: str
) -> IdSet:
    """Ids of a study's rows that were stored under other digests than this one.

    Raises:
        DataFileDamaged: a file that has such rows is missing or cannot be read.
    """
    found: list[bytes] = []
    for part in parts:
        others = {
            digest
            for digest, name in part.studies.items()
            if name == study_name and digest != study_digest
        }
        if not others:
            continue
        for digest, ids in study_ids(paths, part):
            if digest in others:
                found.append(bytes.fromhex("".join(ids)))
    return IdSet(b"".join(found))


def study_ids(paths: StorePaths, part: RowsCommitted) -> Iterator[tuple[str, list[str]]]:
    """Yield the digest of each study in a data file, and the experiment ids of its rows.

    Raises:
        DataFileDamaged: the file cannot be read.
    """
    column = read_columns(paths, part, ["experiment_id"]).column("experiment_id")
    ids: list[str] = column.to_pylist()
    position = 0
    for digest, intervals in part.indices.items():
        count = sum(stop - start for start, stop in intervals)
        yield digest, ids[position : position + count]
        position += count


def read_columns(paths: StorePaths, part: RowsCommitted, columns: list[str]) -> pa.Table:
    """Return some columns of a data file; its checksum is not verified.

    Raises:
        DataFileDamaged: the file is missing, of another size, or cannot be read.
    """
    check_part_size(paths, part)
    file = paths.part(part.file)
    try:
        rows = pq.read_table(file, columns=columns, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise DataFileDamaged(file, f"cannot be read ({error})") from error
    if rows.num_rows != part.rows:
        raise DataFileDamaged(file, f"has {rows.num_rows} rows; the log says {part.rows}")
    return rows


def _changed(paths: StorePaths, part: RowsCommitted) -> DataFileDamaged:
    problem = "its content changed: the SHA-256 is not the one in the log"
    return DataFileDamaged(paths.part(part.file), problem)


def _column_paths() -> list[str]:
    return [
        f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
        for field in RESULT_SCHEMA
    ]


def _software_version() -> str:
    try:
        return metadata.version("sparsest")
    except metadata.PackageNotFoundError:
        return "unknown"
