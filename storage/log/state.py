"""What the log adds up to: which rows, sweeps and initialisations a store has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from search.indices import IndexSet
from storage.errors import StoreDamaged
from storage.log.entries import (
    Entry,
    EntryLost,
    RowsCommitted,
    RowsReplaced,
    Status,
    SweepBegin,
    SweepEnd,
    no_rows_by_status,
)
from storage.log.init_entries import InitStored
from storage.log.inits import FrozenInit
from storage.log.search_entries import SearchChoice
from storage.log.sweep_info import unknown_sweep
from storage.paths import StorePaths


@dataclass
class SweepProgress:
    """A sweep as far as the log knows it.

    Attributes:
        begin: what was asked for.
        end: how it ended; None while it runs, and for good where it was killed.
        rows: rows of it that are stored, counted from the data files' entries.
        by_status: status -> number of those rows.
        train_seconds: core seconds of their training.
    """

    begin: SweepBegin
    end: SweepEnd | None = None
    rows: int = 0
    by_status: dict[Status, int] = field(default_factory=no_rows_by_status)
    train_seconds: float = 0.0


class StudyRows:
    """The indices of one study that are stored.

    Args:
        name: of the study.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self._merged = IndexSet()
        self._new: list[tuple[int, int]] = []

    def add(self, intervals: Sequence[tuple[int, int]]) -> None:
        """Adds indices; merging waits until they are asked for, so that a long log reads fast."""
        self._new.extend(intervals)
        self.rows += sum(stop - start for start, stop in intervals)

    def remove(self, intervals: Sequence[tuple[int, int]]) -> None:
        """Takes indices away that were added before."""
        self._merged = self.indices - IndexSet.of(intervals)
        self.rows -= sum(stop - start for start, stop in intervals)

    @property
    def indices(self) -> IndexSet:
        """All of them."""
        if self._new:
            self._merged = self._merged | IndexSet.of(self._new)
            self._new = []
        return self._merged


class StoreState:
    """The sum of all log entries, kept up to date entry by entry.

    Attributes:
        entries: number of entries read, and so the number of the last one.
        studies: digest of a study -> what of it is stored.
        sweeps: sweep_id -> the sweep.
        inits: name -> the initialisation.
        searches: settings and phase of a search -> the latest choice.
    """

    def __init__(self, paths: StorePaths) -> None:
        self._paths = paths
        self.entries = 0
        self._lost = False  # whether nobody knows what some entry said
        self._parts: dict[str, RowsCommitted] = {}
        self.studies: dict[str, StudyRows] = {}
        self.sweeps: dict[str, SweepProgress] = {}
        self.inits: dict[str, FrozenInit] = {}
        self.searches: dict[tuple[str, int], SearchChoice] = {}

    @property
    def parts(self) -> tuple[RowsCommitted, ...]:
        """The data files, in the order of their entries."""
        return tuple(self._parts.values())

    def add_all(self, entries: Sequence[Entry]) -> None:
        """Adds entries read from the log, and checks that no experiment is stored twice.

        Raises:
            StoreDamaged: as for `add`, or an index of a study stands in two data files.
        """
        for entry in entries:
            self.add(entry)
        for digest, study in self.studies.items():
            if len(study.indices) != study.rows:
                raise StoreDamaged(
                    self._paths.log, f"some experiments of {study.name} ({digest}) are stored twice"
                )

    def add(self, entry: Entry) -> None:
        """Adds the next entry of the log.

        Raises:
            StoreDamaged: the entry contradicts the ones before it.
        """
        self.entries += 1
        match entry:
            case SweepBegin():
                if entry.sweep_id in self.sweeps:
                    raise self._contradiction(f"begins the sweep {entry.sweep_id} again")
                self.sweeps[entry.sweep_id] = SweepProgress(entry)
            case RowsCommitted():
                self._add_rows(entry)
            case RowsReplaced():
                self._remove_all(entry.removed)
                for part in entry.parts:
                    self._add_rows(part)
            case EntryLost():
                self._lost = True
                self._remove_all(entry.removed)
            case SweepEnd():
                sweep = self._sweep(entry.sweep_id)
                if sweep.end is not None:
                    raise self._contradiction(f"ends the sweep {entry.sweep_id} again")
                sweep.end = entry
            case InitStored():
                if entry.name in self.inits:
                    raise self._contradiction(f"stores the initialisation {entry.name} again")
                self.inits[entry.name] = FrozenInit.from_entry(entry)
            case SearchChoice():
                self.searches[entry.settings, entry.phase] = entry

    def stored(self, study_digest: str) -> IndexSet:
        """The stored indices of a study; none where the store does not know it."""
        study = self.studies.get(study_digest)
        return study.indices if study is not None else IndexSet()

    def _add_rows(self, part: RowsCommitted) -> None:
        if part.file in self._parts:
            raise self._contradiction(f"names the data file {part.file} again")
        for sweep_id, share in part.sweeps.items():
            sweep = self._sweep(sweep_id)
            sweep.rows += share.rows
            sweep.train_seconds += share.train_seconds
            for status, count in share.by_status.items():
                sweep.by_status[status] += count
        for digest, intervals in part.indices.items():
            study = self.studies.setdefault(digest, StudyRows(part.studies[digest]))
            study.add(intervals)
        self._parts[part.file] = part

    def _remove_all(self, files: Sequence[str]) -> None:
        for file in files:
            # What a lost entry named or replaced is not there.
            if file in self._parts or not self._lost:
                self._remove_rows(file)

    def _remove_rows(self, file: str) -> None:
        part = self._parts.pop(file, None)
        if part is None:
            raise self._contradiction(f"replaces the data file {file}, which is not in the store")
        for sweep_id, share in part.sweeps.items():
            sweep = self._sweep(sweep_id)
            sweep.rows -= share.rows
            # What is left of many subtractions can be a little less than nothing.
            sweep.train_seconds = max(0.0, sweep.train_seconds - share.train_seconds)
            for status, count in share.by_status.items():
                sweep.by_status[status] -= count
        for digest, intervals in part.indices.items():
            study = self.studies[digest]
            study.remove(intervals)
            if not study.rows:
                del self.studies[digest]

    def _sweep(self, sweep_id: str) -> SweepProgress:
        if sweep_id not in self.sweeps:
            if not self._lost:
                raise self._contradiction(f"names the sweep {sweep_id}, which never began")
            self.sweeps[sweep_id] = SweepProgress(unknown_sweep(sweep_id))
        return self.sweeps[sweep_id]

    def _contradiction(self, problem: str) -> StoreDamaged:
        return StoreDamaged(self._paths.entry(self.entries), problem)
