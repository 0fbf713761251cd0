"""Published rows with all columns of a result: those left out are computed again."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
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

RESTORED_SCHEMA = pa.schema([field.with_nullable(True) for field in RESULT_SCHEMA])
"""`RESULT_SCHEMA`, but any column may be NULL: the weights always are, and columns that the file's
version does not have."""


def restored_rows(published: PublishedFile) -> pa.Table:
    """The rows of a published file with the columns of `RESTORED_SCHEMA`.

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
    """Neurons in each layer, which the first published files did not have."""
    rows = specification.select(["structure", "width"]).append_column("status", status)
    layers = []
    for structure, width, ended in zip(*(c.to_pylist() for c in rows.columns), strict=True):
        hidden = Structure.uniform(width) if structure is None else Structure.parse(structure)
        layers.append([] if ended == "failed" else [INPUTS, *hidden, 1])
    return layers


def restored_path(published: PublishedFile, cache: Path) -> Path:
    """The file that `keep_restored` makes of a published file, whether it exists or not.

    Args:
        published: the file.
        cache: folder for what can always be made again.
    """
    # The digest of the study covers all that the computed columns are made of.
    made_of = f"{published.sha256} {published.study.digest} {schema_sha256()}"
    digest = hashlib.blake2b(made_of.encode(), digest_size=8).hexdigest()
    return restored_file(cache, published.study.name, digest)


def keep_restored(published: PublishedFile, cache: Path) -> Path:
    """A Parquet file of `restored_rows`, made if it is not in the cache folder yet.

    Args:
        published: the published file.
        cache: folder for what can always be made again.

    Raises:
        PublishedDamaged: the published file cannot be read.
        StoreError: the cache folder cannot be written.
    """
    path = restored_path(published, cache)
    if path.exists():
        return path
    data = to_parquet(restored_rows(published))
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(memoryview(data))
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise StoreError(
            f"Could not write {path}: {error.strerror}. Published results are read by way of a "
            "cache folder: set SPARSEST_CACHE to one that can be written."
        ) from error
    return path


def read_restored(published: PublishedFile, cache: Path) -> pa.Table:
    """The rows of `keep_restored`, in memory.

    Raises:
        PublishedDamaged: the published file cannot be read.
        StoreError: the cache folder cannot be written, or what is in it cannot be read.
    """
    path = keep_restored(published, cache)
    try:
        return pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"{path}, made of {published.path}, cannot be read ({error}): remove it, and it is "
            "made again."
        ) from error
