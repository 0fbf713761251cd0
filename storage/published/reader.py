"""Reading the published results with all columns, and with the same two views as a store.

The columns that are left out of a published file are computed once, and kept in a cache folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from search.paper import PAPER_STUDIES
from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from search.specification import SPECIFICATION_COLUMNS, specification_table
from storage.data.new_parts import schema_sha256, to_parquet
from storage.data.parts import with_all_columns
from storage.errors import StoreError
from storage.log.init_entries import PublishedInit
from storage.log.state import SweepProgress
from storage.published.file import PublishedFile, all_published, read_parquet
from storage.reading.views import SweepRows, sweeps_table
from storage.results_reader import ResultsReader
from storage.scratch import scratch_folder

RESTORED_SCHEMA = pa.schema([field.with_nullable(True) for field in RESULT_SCHEMA])
"""`RESULT_SCHEMA` with NULL allowed in every column: weights are always NULL, and so are columns
that the schema version of the file lacks."""


def restored_rows(published: PublishedFile) -> pa.Table:
    """Return the rows of a published file with the columns of `RESTORED_SCHEMA`."""
    rows = published.rows()
    specification = specification_table(published.study, rows.column("study_index").to_pylist())
    columns = dict(zip(rows.column_names, rows.columns, strict=True))
    columns |= {name: specification.column(name) for name in SPECIFICATION_COLUMNS}
    return with_all_columns(pa.table(columns), RESTORED_SCHEMA)


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
    """Return the restored rows of a published file; for errors see `keep_restored`."""
    path = keep_restored(published, cache)
    try:
        return read_parquet(path, RESTORED_SCHEMA.names)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StoreError(
            f"Could not read {path} ({error}). Delete it: it is made again from {published.path}."
        ) from error


class PublishedReader(ResultsReader):
    """The published results with all columns; those that follow from the RUN_ID are computed.

    Computing them takes a few seconds for the whole paper and happens once: the cache folder keeps
    the rows until a published file changes. Columns that are not published, such as the weights,
    are NULL.

    Raises:
        NotPublished, PublishedDamaged, StoreVersion: as for `all_published`.
    """

    def __init__(self, folder: Path, cache: Path, studies: Collection[str] = PAPER_STUDIES) -> None:
        super().__init__()
        self.files: Sequence[PublishedFile] = all_published(folder, studies)
        self._folder = folder
        self._cache = cache

    def _stored_init(self, token: str) -> PublishedInit | None:
        inits = {init.token: init for file in self.files for init in file.note.inits}
        return inits.get(token)

    @property
    def unprepared(self) -> int:
        """Number of rows whose columns the first query has to compute."""
        missing = (f for f in self.files if not restored_path(f, self._cache).exists())
        return sum(file.note.rows for file in missing)

    def rows_by_study(self) -> dict[str, int]:
        """Return the number of published rows of each study, by name."""
        return {file.note.study: file.note.rows for file in self.files}

    def data_files(self) -> dict[int, list[Path]]:
        """Return the Parquet files with all columns, by schema version; make missing ones."""
        return {SCHEMA_VERSION: [keep_restored(file, self._cache) for file in self.files]}

    def _sweeps(self) -> SweepRows:
        """Return the sweeps that made the published rows; they count these rows only."""
        sweeps: dict[str, SweepProgress] = {}
        for file in self.files:
            for published in file.note.sweeps:
                begin, end = published.begin, published.end
                sweeps.setdefault(begin.sweep_id, SweepProgress(begin, end)).add(published)
        return sweeps_table(sweeps.values())

    def _cannot_open(self, error: duckdb.Error) -> StoreError:
        return StoreError(
            f"Could not read the published results of {self._folder} from the cache in "
            f"{self._cache}: {error}. Remove its folder `published` and try again."
        )
