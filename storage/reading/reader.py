"""Reading a store by SQL, by experiment, or from its log; any process can, at any time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from search.indices import IndexSet
from storage.data.parts import (
    check_part_content,
    check_part_schema,
    check_part_size,
    ids_of_other_versions,
    read_encoded,
)
from storage.errors import StoreDamaged, StoreError
from storage.log.files import read_log
from storage.log.init_entries import FrozenInit
from storage.log.state import StoreState
from storage.marker import check_marker
from storage.paths import StorePaths
from storage.reading.views import SweepRows, sweeps_table
from storage.results_reader import ResultsReader

if TYPE_CHECKING:  # imported where they are needed: `status` runs no query
    import duckdb
    import pyarrow as pa

    from search.id_set import IdSet

_MISTAKES: Final = ("Binder", "Catalog", "Conversion", "Out of", "Parser", "Permission", "Mismatch")
"""Start of DuckDB's messages about mistakes in a query and about the memory limit."""


class StoreReader(ResultsReader):
    """A store as it was when it was opened, or at the last `refresh`.

    Readers take no lock, never delay a writer, and see whole commits only. With the state of a
    writer of this process (`Committer.state`), the reader reads no log and always shows what that
    writer has committed.

    Attributes:
        paths: paths of the store.
        state: state of the log.

    Raises:
        NotAStore: there is no store.
        StoreDamaged: the log is not what was written, or a data file is missing or does not have
            the size that the log states.
        StoreVersion: a newer version of sparsest wrote the store.
    """

    def __init__(self, path: str | Path, *, state: StoreState | None = None) -> None:
        super().__init__()
        self.paths = StorePaths(path)
        self._entries_shown = 0
        if state is not None:
            self.state = state
            return
        check_marker(self.paths)
        self.state = StoreState(self.paths)
        self.refresh()

    def _stored_init(self, token: str) -> FrozenInit | None:
        name, _, digest = token.partition(":")
        init = self.state.inits.get(name)
        return init if init is not None and init.digest == digest else None

    def refresh(self) -> bool:
        """Read what was committed since; return whether there was anything.

        Raises:
            StoreDamaged, StoreVersion: as when opening.
        """
        with self._lock:
            changed = self._read_new_entries()
            while True:
                try:
                    self._check_parts()
                except StoreDamaged:
                    # A missing file may have been replaced since the log was read.
                    if not self._read_new_entries():
                        raise
                    changed = True
                else:
                    return changed

    def was_replaced(self) -> bool:
        """Return whether data files were replaced and removed; the new ones are read from then on.

        Raises:
            StoreDamaged: a data file is gone for another reason.
        """
        gone = any(not self.paths.part(part.file).exists() for part in self.state.parts)
        return gone and self.refresh()

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all rows, text as dictionaries, without a database.

        Raises:
            StoreDamaged: a data file cannot be read; if `was_replaced`, begin again.
        """
        for part in self.state.parts:
            yield from read_encoded(self.paths, part, columns).to_batches()

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        """Return the ids of rows that were stored before the study was edited.

        Raises:
            StoreDamaged: a file with such rows is missing or cannot be read.
        """
        return ids_of_other_versions(self.paths, self.state.parts, study_name, study_digest)

    def rows_by_study(self) -> dict[str, int]:
        """Return the number of stored rows of each study, by name, from the log."""
        rows: Counter[str] = Counter()
        for study in self.state.studies.values():
            rows[study.name] += study.rows
        return rows

    def data_files(self) -> dict[int, list[Path]]:
        """Return the data files by schema version."""
        files: defaultdict[int, list[Path]] = defaultdict(list)
        for part in self.state.parts:
            files[part.schema_version].append(self.paths.part(part.file))
        return files

    def stored(self, study_digest: str) -> IndexSet:
        """Return the stored indices of a study; an unknown study has none."""
        return self.state.stored(study_digest)

    def _check_parts(self) -> None:
        for part in self.state.parts:
            check_part_schema(self.paths, part)
            check_part_size(self.paths, part)

    def _read_new_entries(self) -> bool:
        """Read the log entries after the known ones; return whether there were any."""
        entries = read_log(self.paths, after=self.state.entries)
        self.state.add_all(entries)
        if entries:
            self.close()
        return bool(entries)

    def _current_database(self) -> duckdb.DuckDBPyConnection:
        if self._entries_shown != self.state.entries:  # the writer has committed more
            self.close()
            self._entries_shown = self.state.entries
        return super()._current_database()

    def _sweeps(self) -> SweepRows:
        return sweeps_table(self.state.sweeps.values())

    def _cannot_open(self, error: duckdb.Error) -> StoreError:
        return StoreError(f"Could not open {self.paths.root}: {error}")

    def _explain(self, error: BaseException | None) -> None:
        """Raise StoreDamaged if a data file caused an error.

        DuckDB takes a missing file for a folder that it must not open, and its messages about a
        changed file do not always name it.
        """
        import duckdb

        self._check_parts()
        if isinstance(error, (duckdb.Error, OSError)) and not str(error).startswith(_MISTAKES):
            for part in self.state.parts:
                check_part_content(self.paths, part)
