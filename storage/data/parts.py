"""Checking and reading data files.

A file that is missing, was changed, cannot be read, or contradicts its entry in the log raises
`DataFileDamaged`, which is a `StoreDamaged`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from search.id_set import IdSet
from search.indices import IndexSet
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.data.new_parts import known_schemas
from storage.errors import DataFileDamaged, StoreDamaged, check_readable
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths
from storage.safe_open import open_regular, regular_size

if TYPE_CHECKING:  # imported where it is needed: `status` reads no data file with it
    import pyarrow.parquet as pq

MAX_PART_BYTES: Final = 1 << 33
"""Maximum size of a data file."""

_FREE_VALUES: Final = 1 << 28
_MAX_VALUES_PER_BYTE: Final = 8
"""A file may hold `_FREE_VALUES` values and as many more for each of its bytes. Runs of one value
take almost no room in Parquet, so that a file of a megabyte could otherwise fill the memory."""

_FREE_TEXT_BYTES: Final = 1 << 31
"""A file may hold this much text, each repetition counted."""

_FREE_BYTES: Final = 1 << 30
_MAX_BYTES_PER_BYTE: Final = 64
"""A file may hold `_FREE_BYTES` bytes before compression, repeated text counted once, and as many
more for each of its own: rows of results are compressed to a half at best."""


def check_part_schema(paths: StorePaths, part: RowsCommitted) -> None:
    """Check that this version of sparsest can read the columns that an entry announces.

    Raises:
        StoreVersion: they were written by a newer version.
        StoreDamaged: the named version had other columns.
    """
    check_readable(paths.part(part.file), "columns of version", part.schema_version, SCHEMA_VERSION)
    if part.schema_sha256 != known_schemas().get(part.schema_version):
        raise StoreDamaged(
            paths.part(part.file),
            f"its columns are not those of version {part.schema_version} of a result",
        )


def check_file_schema(paths: StorePaths, part: RowsCommitted) -> None:
    """Check that a data file has the columns of the version that its entry names."""
    import pyarrow.parquet as pq

    with _opened(paths, part) as stream:
        schema = pq.read_schema(stream)
    known = [RESULT_SCHEMA.field(name) for name in schema.names if name in RESULT_SCHEMA.names]
    complete = part.schema_version < SCHEMA_VERSION or len(known) == len(RESULT_SCHEMA)
    if not complete or not schema.equals(pa.schema(known)):
        raise StoreDamaged(
            paths.part(part.file), f"does not have the columns of version {part.schema_version}"
        )


def check_part_size(paths: StorePaths, part: RowsCommitted) -> None:
    """Check that a data file exists, is a regular file, and has the size that the log names."""
    file = paths.part(part.file)
    try:
        size = regular_size(file)
    except FileNotFoundError as error:
        raise DataFileDamaged(file, f"named by the log, but missing ({error.strerror})") from error
    except OSError as error:
        raise DataFileDamaged(file, f"cannot be read ({error.strerror})") from error
    if size != part.bytes:
        raise DataFileDamaged(file, f"has {size} bytes; the log says {part.bytes}")
    if size > MAX_PART_BYTES:
        raise DataFileDamaged(file, f"has {size} bytes; a data file has at most {MAX_PART_BYTES}")


def check_part_content(paths: StorePaths, part: RowsCommitted) -> None:
    """Check the size and the SHA-256 of a data file against the log."""
    with _opened(paths, part) as stream:
        _check_digest(paths, part, hashlib.file_digest(stream, "sha256").hexdigest())


def part_bytes(paths: StorePaths, part: RowsCommitted) -> bytes:
    """Return the bytes of a data file, after comparing them with the log."""
    with _opened(paths, part) as stream:
        data = stream.read(part.bytes + 1)
    _check_digest(paths, part, hashlib.sha256(data).hexdigest())
    return data


def read_part(paths: StorePaths, part: RowsCommitted) -> pa.Table:
    """Return the rows of a data file with all columns of `RESULT_SCHEMA`; missing ones are NULL."""
    data = part_bytes(paths, part)
    file = paths.part(part.file)
    with _reporting_damage(file):
        rows = with_all_columns(read_rows(open_rows(data), len(data), part.rows))
    sweeps = set(rows.column("sweep_id").unique().to_pylist())
    if sweeps != part.sweeps.keys():
        raise DataFileDamaged(file, "its rows are of other sweeps than the log says")
    return rows


def with_all_columns(stored: pa.Table, schema: pa.Schema = RESULT_SCHEMA) -> pa.Table:
    """Return rows with all columns of a schema; those that they lack are NULL.

    Raises:
        pyarrow.ArrowException, ValueError, TypeError: a column has another type.
    """
    columns = [
        stored.column(field.name)
        if field.name in stored.column_names
        else pa.nulls(stored.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def ids_of_other_versions(
    paths: StorePaths, parts: Iterable[RowsCommitted], study_name: str, study_digest: str
) -> IdSet:
    """Return the ids of a study's rows that were stored under other digests than this one."""
    found: list[bytes] = []
    for part in parts:
        names = part.studies.items()
        others = {one for one, name in names if name == study_name and one != study_digest}
        for digest, ids in study_ids(paths, part) if others else ():
            if digest in others:
                found.append(bytes.fromhex("".join(ids)))
    return IdSet(b"".join(found))


def study_ids(paths: StorePaths, part: RowsCommitted) -> Iterator[tuple[str, list[str]]]:
    """Yield the digest of each study in a data file, and the experiment ids of its rows."""
    column = read_columns(paths, part, ["experiment_id"]).column("experiment_id")
    ids: list[str] = column.to_pylist()
    for digest, _, block in blocks_of(part):
        yield digest, ids[block]


def blocks_of(part: RowsCommitted) -> Iterator[tuple[str, NDArray[np.int64], slice]]:
    """Yield the digest of each study in a data file, int64 [n] its indices, and their rows."""
    start = 0
    for digest, intervals in part.indices.items():
        indices = index_array(IndexSet.of(intervals))
        yield digest, indices, slice(start, start + len(indices))
        start += len(indices)


def index_array(indices: IndexSet) -> NDArray[np.int64]:
    """Return int64 [n]: the indices in ascending order."""
    ranges = [np.arange(start, stop, dtype=np.int64) for start, stop in indices.intervals]
    return np.concatenate([np.empty(0, np.int64), *ranges])


def index_set(indices: NDArray[np.int64]) -> IndexSet:
    """Return the set of indices that are in ascending order, built from whole intervals."""
    if not len(indices):
        return IndexSet()
    ends = np.flatnonzero(np.diff(indices) != 1)
    starts = indices[np.concatenate([[0], ends + 1])].tolist()
    stops = (indices[np.concatenate([ends, [len(indices) - 1]])] + 1).tolist()
    return IndexSet.of(zip(starts, stops, strict=True))


def read_columns(paths: StorePaths, part: RowsCommitted, columns: list[str]) -> pa.Table:
    """Return some columns of a data file; its checksum is not verified."""
    with _opened(paths, part) as stream:
        return read_rows(open_rows(stream), part.bytes, part.rows, columns)


def read_encoded(paths: StorePaths, part: RowsCommitted, columns: list[str]) -> pa.Table:
    """Return some columns of a data file, text as dictionaries; its checksum is not verified.

    It is faster than `read_columns`, and repeated text takes no memory.
    """
    with _opened(paths, part) as stream:
        stored = open_rows(stream)
        _check_counts(stored.metadata, part.bytes, part.rows)
        table = stored.read(columns=columns, use_threads=False).select(columns)
        for field in table.schema:
            if _without_dictionary(field.type) != RESULT_SCHEMA.field(field.name).type:
                raise TypeError(f"the column {field.name} has the type {field.type}")
        table.validate(full=True)
        return table


def open_rows(source: bytes | BufferedReader) -> pq.ParquetFile:
    """Open a Parquet file so that `read_rows` holds a text that repeats only once.

    Raises:
        OSError, pyarrow.ArrowException: it is not a Parquet file.
    """
    import pyarrow.parquet as pq

    readable = pa.BufferReader(source) if isinstance(source, bytes) else source
    metadata = pq.read_metadata(readable)
    columns = [metadata.schema.column(number) for number in range(metadata.num_columns)]
    text = [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
    # With a buffer ahead Arrow starts a thread, and a process that ends right after it may abort.
    return pq.ParquetFile(readable, metadata=metadata, read_dictionary=text, pre_buffer=False)


def read_rows(
    stored: pq.ParquetFile, size: int, rows: int | None = None, columns: list[str] | None = None
) -> pa.Table:
    """Return the rows of a Parquet file from `open_rows` that has not too much in it for its size.

    Args:
        stored: file from `open_rows`.
        size: size of the file in bytes.
        rows: number of rows that it must have; None for any.
        columns: names of the columns to read; None for all.

    Raises:
        ValueError: it has too many values, too much text or other content for its size, or
            another number of rows.
        OSError, pyarrow.ArrowException: it cannot be read.
    """
    _check_counts(stored.metadata, size, rows)
    table = stored.read(columns=columns)
    text = sum(_text_bytes(chunk) for column in table.columns for chunk in column.chunks)
    if text > _FREE_TEXT_BYTES:
        raise ValueError(f"it has {text:,} bytes of text in {size:,} bytes")
    plain = [(f.name, _without_dictionary(f.type)) for f in table.schema]
    return table.cast(pa.schema(plain))


def _check_counts(found: pq.FileMetaData, size: int, rows: int | None) -> None:
    """Raise ValueError if a file has too much in it for its size, or another number of rows."""
    if rows is not None and found.num_rows != rows:
        raise ValueError(f"it has {found.num_rows} rows; the log says {rows}")
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    values = sum(column.num_values for column in columns)
    if values > _FREE_VALUES + _MAX_VALUES_PER_BYTE * size:
        raise ValueError(f"it has {values:,} values in {size:,} bytes")
    expanded = sum(column.total_uncompressed_size for column in columns)
    if expanded > _FREE_BYTES + _MAX_BYTES_PER_BYTE * size:
        raise ValueError(f"it has {expanded:,} bytes compressed to {size:,}")


def _text_bytes(values: pa.Array) -> int:
    """Return the number of bytes of dictionary-encoded text, each repetition counted."""
    if pa.types.is_list(values.type):
        values = values.flatten()
    if not pa.types.is_dictionary(values.type):
        return 0
    import pyarrow.compute as pc

    lengths = pc.binary_length(values.dictionary)
    return int(pc.sum(lengths.cast("int64").take(values.indices)).as_py() or 0)


def _without_dictionary(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_without_dictionary(kind.value_type)))
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@contextmanager
def _reporting_damage(file: Path) -> Iterator[None]:
    """Raise an error of the operating system, Arrow or a check as DataFileDamaged."""
    try:
        yield
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataFileDamaged(file, f"cannot be read ({reason})") from error


@contextmanager
def _opened(paths: StorePaths, part: RowsCommitted) -> Iterator[BufferedReader]:
    """Open a data file of the right size; see `_reporting_damage` for errors in the block."""
    check_part_size(paths, part)
    file = paths.part(part.file)
    with _reporting_damage(file), open_regular(file) as stream:
        yield stream


def _check_digest(paths: StorePaths, part: RowsCommitted, sha256: str) -> None:
    if sha256 != part.sha256:
        problem = "its content changed: the SHA-256 is not the one in the log"
        raise DataFileDamaged(paths.part(part.file), problem)
