"""Published rows with all columns of a result: those left out are computed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from search.paper_grids import INPUTS
from search.schema import RESULT_SCHEMA
from search.specification import SPECIFICATION_COLUMNS, specification_table
from search.structure import Structure
from storage.data.new_parts import schema_sha256, to_parquet
from storage.errors import StoreError
from storage.paths import restored_file
from storage.published.file import PublishedFile
from storage.scratch import scratch_folder

RESTORED_SCHEMA = pa.schema([field.with_nullable(True) for field in RESULT_SCHEMA])
"""`RESULT_SCHEMA` with NULL allowed in every column: weights are always NULL, and so are columns
that the schema version of the file lacks."""


def restored_rows(published: PublishedFile) -> pa.Table:
    """Return the rows of a published file with the columns of `RESTORED_SCHEMA`.

    Raises:
        PublishedDamaged: the file cannot be read.
    """
    rows = published.rows()
    specification = specification_table(published.study, rows.column("study_index").to_pylist())
    columns = []
    for field in RESTORED_SCHEMA:
        if field.name in SPECIFICATION_COLUMNS:
            columns.append(specification.column(field.name))
        elif field.name in rows.column_names:
            columns.append(rows.column(field.name))
        elif field.name == "layers":
            columns.append(pa.array(_layers(specification, rows.column("status")), field.type))
        else:
            columns.append(pa.nulls(rows.num_rows, field.type))
    return pa.table(columns, schema=RESTORED_SCHEMA)


def _layers(specification: pa.Table, status: pa.ChunkedArray) -> list[list[int]]:
    """Return the column `layers`, which the first published files lack."""
    rows = specification.select(["structure", "width"]).append_column("status", status)
    layers = []
    for structure, width, ended in zip(*(c.to_pylist() for c in rows.columns), strict=True):
        hidden = Structure.uniform(width) if structure is None else Structure.parse(structure)
        layers.append([] if ended == "failed" else [INPUTS, *hidden, 1])
    return layers


def restored_path(published: PublishedFile, cache: Path) -> Path:
    """Return the file that `keep_restored` makes of a published file; it need not exist."""
    # The digest of the study covers everything from which columns are computed.
    sources = f"{published.sha256} {published.study.digest} {schema_sha256()}"
    digest = hashlib.blake2b(sources.encode(), digest_size=8).hexdigest()
    return restored_file(cache, published.study.name, digest)


def keep_restored(published: PublishedFile, cache: Path) -> Path:
    """Return a Parquet file with the restored rows, which is made if the cache lacks it.

    Raises:
        PublishedDamaged: the published file cannot be read.
        StoreError: the cache folder cannot be written.
    """
    path = restored_path(published, cache)
    if path.exists():
        return path
    data = to_parquet(restored_rows(published))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(path.parent, ".restored-") as folder:
            unfinished = folder / path.name
            unfinished.write_bytes(memoryview(data))
            unfinished.replace(path)
    except OSError as error:
        raise StoreError(
            f"Could not write {path}: {error.strerror}. Published results are read from a cache "
            "folder: set SPARSEST_CACHE to one that can be written."
        ) from error
    return path


def read_restored(published: PublishedFile, cache: Path) -> pa.Table:
    """Return the restored rows of a published file.

    Raises:
        PublishedDamaged: the published file cannot be read.
        StoreError: the cache folder cannot be written, or a file in it cannot be read.
    """
    path = keep_restored(published, cache)
    try:
        return pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"Could not read {path} ({error}). Delete it: it is made again from {published.path}."
        ) from error
