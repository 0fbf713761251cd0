"""Published rows with all columns of a result: those left out are computed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from search.paper_grids import INPUTS
from search.schema import RESULT_SCHEMA
from search.specification import SPECIFICATION_COLUMNS, specification_table
from search.structure import Structure
from storage.data.new_parts import schema_sha256, to_parquet
from storage.data.parts import with_all_columns
from storage.errors import StoreError
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
    columns = dict(zip(rows.column_names, rows.columns, strict=True))
    columns |= {name: specification.column(name) for name in SPECIFICATION_COLUMNS}
    if "layers" not in columns:  # in the first published files
        columns["layers"] = pa.array(_layers(columns), RESTORED_SCHEMA.field("layers").type)
    return with_all_columns(pa.table(columns), RESTORED_SCHEMA)


def _layers(columns: Mapping[str, pa.ChunkedArray]) -> Iterator[list[int]]:
    values = (columns[name].to_pylist() for name in ("structure", "width", "status"))
    for structure, width, status in zip(*values, strict=True):
        hidden = Structure.uniform(width) if structure is None else Structure.parse(structure)
        yield [] if status == "failed" else [INPUTS, *hidden, 1]


def restored_path(published: PublishedFile, cache: Path) -> Path:
    """Return the file that `keep_restored` makes of a published file; it need not exist."""
    # The digest of the study covers everything from which columns are computed.
    sources = f"{published.sha256} {published.study.digest} {schema_sha256()}"
    digest = hashlib.blake2b(sources.encode(), digest_size=8).hexdigest()
    return cache / "published" / f"{published.study.name}-{digest}.parquet"


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
