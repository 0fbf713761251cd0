"""Reading a store: by SQL, by experiment, or its log alone; from any process, at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa

from search.id_set import IdSet
from search.indices import IndexSet
from storage.data.parts import (
    check_part_content,
    check_part_schema,
    check_part_size,
    ids_of_other_versions,
)
from storage.errors import Holder, StoreDamaged, StoreError
from storage.lock import current_holder
from storage.log.entries import RowsCommitted
from storage.log.files import read_log
from storage.log.inits import FrozenInit
from storage.log.search_entries import SearchChoice
from storage.log.state import StoreState, SweepProgress
from storage.marker import check_marker
from storage.paths import StorePaths
from storage.reading.connections import connect_guarded, connect_isolated
from storage.reading.lookup import find_row
from storage.reading.query import run_reading
from storage.reading.views import sweeps_table

_ERRORS_OF_QUERIES = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.OutOfMemoryException,
    duckdb.OutOfRangeException,
    duckdb.ParserException,
    duckdb.PermissionException,
    duckdb.TypeMismatchException,
)


@dataclass(frozen=True)
class StudyProgress:
    """What is stored of one study.

    Attributes:
        name: of the study.
        rows: number of its experiments.
        indices: which ones.
    """

    name: str
    rows: int
    indices: IndexSet


@dataclass(frozen=True)
class Progress:
    """What a store holds, by its log.

    Attributes:
        rows: number of results.
        bytes: of the data files.
        files: number of data files.
        entries: number of log entries.
        studies: digest -> what is stored of the study.
        sweeps: in the order in which they began.
    """

    rows: int
    bytes: int
    files: int
    entries: int
    studies: Mapping[str, StudyProgress]
    sweeps: tuple[SweepProgress, ...]


class StoreReader:
    """A store as it was when it was opened, or at the last `refresh`.

    Readers take no lock, disturb no writer, and see whole commits only.

    Args:
        path: folder of the store.
        state: state of a writer of this process (`StoreEditor.state`). The reader then reads no log
            and always shows what that writer has committed.

    Raises:
        NotAStore: there is no store.
        StoreDamaged: the log is not what was written, or a data file is missing or of another
            size than the log says.
        StoreVersion: a newer version of sparsest wrote the store.
    """

    def __init__(self, path: str | Path, *, state: StoreState | None = None) -> None:
        self.paths = StorePaths.of(path)
        self._database: duckdb.DuckDBPyConnection | None = None
        self._entries_shown = 0
        if state is not None:
            self._state = state
            return
        check_marker(self.paths)
        self._state = StoreState(self.paths)
        self.refresh()

    @property
    def inits(self) -> Mapping[str, FrozenInit]:
        """Initialisations of the store, by name."""
        return self._state.inits

    def init(self, token: str) -> FrozenInit | None:
        """A stored initialisation by its token, NAME:DIGEST; None where there is none."""
        name, _, digest = token.partition(":")
        init = self.inits.get(name)
        return init if init is not None and init.digest == digest else None

    @property
    def searches(self) -> Mapping[tuple[str, int], SearchChoice]:
        """What searches have chosen, by their settings and phase."""
        return self._state.searches

    @property
    def parts(self) -> tuple[RowsCommitted, ...]:
        """Log entries of the data files, in order."""
        return tuple(self._state.parts)

    def refresh(self) -> bool:
        """Takes in what was committed since; returns whether there was anything.

        Raises:
            StoreDamaged: as when opening.
            StoreVersion: as when opening.
        """
        changed = self._read_on()
        while True:
            try:
                self._check_parts()
            except StoreDamaged:
                # A file that is missing may have been replaced since the log was read.
                if not self._read_on():
                    raise
                changed = True
            else:
                return changed

    def was_replaced(self) -> bool:
        """Whether a data file is gone because others took its place; these are read from now on.

        Raises:
            StoreDamaged: a data file is gone for another reason.
        """
        gone = any(not self.paths.part(part.file).exists() for part in self._state.parts)
        return gone and self.refresh()

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        """Ids of a study's rows from before the study was edited.

        Args:
            study_name: of the study.
            study_digest: of the study as it is now, whose rows are left out.

        Raises:
            StoreDamaged: a file that has such rows is missing or cannot be read.
        """
        return ids_of_other_versions(self.paths, self._state.parts, study_name, study_digest)

    def rows_by_study(self) -> dict[str, int]:
        """Name of each study -> number of its stored rows, by the log."""
        rows: dict[str, int] = {}
        for study in self._state.studies.values():
            rows[study.name] = rows.get(study.name, 0) + study.rows
        return rows

    def data_files(self) -> dict[int, list[Path]]:
        """Version of the columns -> paths of the data files written with it."""
        files: dict[int, list[Path]] = {}
        for part in self._state.parts:
            files.setdefault(part.schema_version, []).append(self.paths.part(part.file))
        return files

    def holder(self) -> Holder | None:
        """Who is writing to the store at this moment, None where nobody is."""
        return current_holder(self.paths)

    def stored(self, study_digest: str) -> IndexSet:
        """The stored indices of a study; none where the store does not know it."""
        return self._state.stored(study_digest)

    def progress(self) -> Progress:
        """What the store holds, without reading a data file."""
        studies = {
            digest: StudyProgress(study.name, study.rows, study.indices)
            for digest, study in self._state.studies.items()
        }
        return Progress(
            rows=sum(part.rows for part in self._state.parts),
            bytes=sum(part.bytes for part in self._state.parts),
            files=len(self._state.parts),
            entries=self._state.entries,
            studies=studies,
            sweeps=tuple(self._state.sweeps.values()),
        )

    def sql(self, query: str) -> pa.Table:
        """Runs SQL that reads the views `results` and `sweeps`.

        Where a data file was replaced and removed since the store was opened, the answer is that of
        the store as it is now.

        Args:
            query: one statement.

        Returns:
            What it yields.

        Raises:
            ReadOnlyError: it would do something else than read these; nothing was run.
            QueryError: it is more than one, or DuckDB could not run it: the message shows where.
            StoreDamaged: a data file is gone or was changed since the store was opened.
        """
        while True:
            try:
                return run_reading(self._connection(), query)
            except StoreError as error:
                if self.was_replaced():
                    continue
                self._blame_files(error.__cause__)
                raise

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of the caller's own, over what is stored now.

        It has the views `results` and `sweeps`, may make tables in memory, and can open no file.
        Slower than `sql`. The caller closes it.
        """
        return connect_isolated(self.data_files(), sweeps_table(self._state.sweeps.values()))

    def connect_for_export(self, folder: Path) -> duckdb.DuckDBPyConnection:
        """A connection that may write into one folder, for statements of this package alone."""
        return self._guarded(folder)

    def row(self, experiment_id: str) -> dict[str, Any]:
        """The result of one experiment: column of `results` -> value.

        Args:
            experiment_id: 32 hexadecimal digits, or the first ones, or the experiment's number;
                see `storage.reading.lookup.find_row`.

        Raises:
            UnknownExperiment: no stored experiment, or more than one, begins with them.
        """
        return find_row(self.sql, experiment_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the memory of the database; it is opened again when needed."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _check_parts(self) -> None:
        for part in self._state.parts:
            check_part_schema(self.paths, part)
            check_part_size(self.paths, part)

    def _read_on(self) -> bool:
        """Takes in the entries behind those that are known; returns whether there were any."""
        entries = read_log(self.paths, after=self._state.entries)
        self._state.add_all(entries)
        if entries:
            self.close()
        return bool(entries)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._database is not None and self._entries_shown != self._state.entries:
            self.close()
        if self._database is None:
            self._database = self._guarded()
            self._entries_shown = self._state.entries
        return self._database

    def _guarded(self, writable: Path | None = None) -> duckdb.DuckDBPyConnection:
        sweeps = sweeps_table(self._state.sweeps.values())
        try:
            return connect_guarded(self.data_files(), sweeps, writable)
        except duckdb.Error as error:
            raise StoreError(f"Could not open {self.paths.root}: {error}") from error

    def _blame_files(self, error: BaseException | None) -> None:
        """Looks whether a data file is the reason of an error, and raises StoreDamaged if so.

        DuckDB takes the name of a file that is gone for that of a folder, which it may not open,
        and its messages about a changed file do not always name it.
        """
        self._check_parts()
        if isinstance(error, duckdb.Error) and not isinstance(error, _ERRORS_OF_QUERIES):
            for part in self._state.parts:
                check_part_content(self.paths, part)
