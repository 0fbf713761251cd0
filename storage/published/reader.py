"""Reading the published results like a store: the same two views, without one at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from search.schema import SCHEMA_VERSION
from storage.errors import StoreError
from storage.log.state import SweepProgress
from storage.published.file import PublishedFile, all_published
from storage.published.note import PublishedInit
from storage.published.restore import keep_restored, restored_path
from storage.reading.connections import connect_guarded, connect_isolated
from storage.reading.lookup import find_row
from storage.reading.query import run_reading
from storage.reading.views import sweeps_table


class PublishedReader:
    """The published results, with all columns: those that follow from the RUN_ID are computed.

    That takes a few seconds for all of the paper, once: the rows are then kept in the cache
    folder until a file changes. Columns that were not published, the weights among them, are NULL.

    Args:
        folder: of the published files, such as `storage.paths.published_folder()`.
        cache: folder for what can always be made again.

    Raises:
        NotPublished: there are none.
        PublishedDamaged: a file is not what `sparsest publish` writes.
        StoreVersion: a newer version of sparsest wrote it.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.files: Sequence[PublishedFile] = all_published(folder)
        self._folder = folder
        self._cache = cache
        self._database: duckdb.DuckDBPyConnection | None = None

    def init(self, token: str) -> PublishedInit | None:
        """A stored initialisation that rows start from by its token, NAME:DIGEST."""
        inits = {init.token: init for file in self.files for init in file.note.inits}
        return inits.get(token)

    @property
    def unprepared(self) -> int:
        """Rows whose columns are still to be computed when the first query comes."""
        missing = (f for f in self.files if not restored_path(f, self._cache).exists())
        return sum(file.note.rows for file in missing)

    def refresh(self) -> bool:
        """Published files do not change while they are read; returns False."""
        return False

    def was_replaced(self) -> bool:
        """Likewise; returns False."""
        return False

    def sql(self, query: str) -> pa.Table:
        """Runs SQL that reads the views `results` and `sweeps`.

        Args:
            query: one statement.

        Returns:
            What it yields.

        Raises:
            ReadOnlyError: it would do something else than read these; nothing was run.
            QueryError: it is more than one, or DuckDB could not run it: the message shows where.
            StoreError: the columns could not be computed or kept.
        """
        if self._database is None:
            self._database = self._guarded()
        return run_reading(self._database, query)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of the caller's own, which can open no file; see `StoreReader`."""
        return connect_isolated(self.data_files(), self._sweeps())

    def connect_for_export(self, folder: Path) -> duckdb.DuckDBPyConnection:
        """A connection that may write into one folder, for statements of this package alone."""
        return self._guarded(folder)

    def row(self, experiment_id: str) -> dict[str, Any]:
        """The result of one experiment: column of `results` -> value.

        Args:
            experiment_id: 32 hexadecimal digits, or the first ones, or the experiment's number;
                see `storage.reading.lookup.find_row`.

        Raises:
            UnknownExperiment: no published experiment, or more than one, begins with them.
        """
        return find_row(self.sql, experiment_id)

    def rows_by_study(self) -> dict[str, int]:
        """Name of each study -> number of its published rows."""
        return {file.note.study: file.note.rows for file in self.files}

    def data_files(self) -> dict[int, list[Path]]:
        """Version of the columns -> paths of the files with all columns, made where missing."""
        return {SCHEMA_VERSION: self._restored()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the memory of the database; it is opened again when needed."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _guarded(self, writable: Path | None = None) -> duckdb.DuckDBPyConnection:
        try:
            return connect_guarded(self.data_files(), self._sweeps(), writable)
        except duckdb.Error as error:
            raise StoreError(
                f"Could not read the published results of {self._folder} by way of "
                f"{self._cache}: {error}. Remove the folder `published` there and try again."
            ) from error

    def _restored(self) -> list[Path]:
        """The files with all columns, made where they are missing."""
        return [keep_restored(file, self._cache) for file in self.files]

    def _sweeps(self) -> pa.Table:
        """The table `sweeps`: those that made the rows, with the rows that are published."""
        sweeps: dict[str, SweepProgress] = {}
        for file in self.files:
            for made in file.note.sweeps:
                sweep = sweeps.setdefault(made.begin.sweep_id, SweepProgress(made.begin, made.end))
                sweep.rows += made.rows
                sweep.train_seconds += made.train_seconds
                for status, count in made.by_status.items():
                    sweep.by_status[status] += count
        return sweeps_table(sweeps.values())
