"""The state of a store by its log: the rows, sweeps and initialisations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from search.indices import IndexSet
from storage.errors import EntryDamaged
from storage.log.entries import (
    Entry,
    EntryLost,
    RowsCommitted,
    RowsOfSweep,
    RowsReplaced,
    Status,
    SweepBegin,
    SweepEnd,
    no_rows_by_status,
)
from storage.log.init_entries import FrozenInit, InitStored, SearchChoice
from storage.log.sweep_info import unknown_sweep
from storage.paths import StorePaths


@dataclass
class SweepProgress:
    """A sweep as far as the log knows it, with the totals of its rows that are stored.

    `end` is None while it runs, and for good if it was killed.
    """

    begin: SweepBegin
    end: SweepEnd | None = None
    rows: int = 0
    by_status: dict[Status, int] = field(default_factory=no_rows_by_status)
    train_seconds: float = 0.0

    def add(self, rows: RowsOfSweep, sign: int = 1) -> None:
        """Count rows, or with the sign -1 no longer count them."""
        self.rows += sign * rows.rows
        # Rounding can leave slightly less than zero after many subtractions.
        self.train_seconds = max(0.0, self.train_seconds + sign * rows.train_seconds)
        for status, count in rows.by_status.items():
            self.by_status[status] += sign * count


class StudyRows:
    """The stored indices of one study."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self._merged = IndexSet()
        self._new: list[tuple[int, int]] = []

    def add(self, intervals: Sequence[tuple[int, int]]) -> None:
        """Add indices. They are merged on first use, so that a long log is read fast."""
        self._new.extend(intervals)
        self.rows += sum(stop - start for start, stop in intervals)

    def remove(self, intervals: Sequence[tuple[int, int]]) -> None:
        """Remove indices that were added before."""
        self._merged = self.indices - IndexSet.of(intervals)
        self.rows -= sum(stop - start for start, stop in intervals)

    @property
    def indices(self) -> IndexSet:
        """All stored indices."""
        if self._new:
            self._merged = self._merged | IndexSet.of(self._new)
            self._new = []
        return self._merged


class StoreState:
    """The state after all log entries so far, updated entry by entry.

    Attributes:
        entries: number of entries read, which is the number of the last one.
        replaced: names of data files that entries have taken out of the store.
        studies, inits: digest of a study -> its stored indices; name -> the initialisation.
        sweeps: sweep_id -> the sweep, in the order in which they started.
        searches: settings and phase of a search -> the latest choice.
    """

    def __init__(self, paths: StorePaths) -> None:
        self._paths = paths
        self.entries = 0
        self._incomplete = False  # whether an entry was lost
        self._parts: dict[str, RowsCommitted] = {}
        self.replaced: set[str] = set()
        self.studies: dict[str, StudyRows] = {}
        self.sweeps: dict[str, SweepProgress] = {}
        self.inits: dict[str, FrozenInit] = {}
        self.searches: dict[tuple[str, int], SearchChoice] = {}

    @property
    def parts(self) -> tuple[RowsCommitted, ...]:
        """Entries of the data files, in order."""
        return tuple(self._parts.values())

    @property
    def ever_named(self) -> set[str]:
        """Names of the data files, and of those that were replaced."""
        return self._parts.keys() | self.replaced

    @property
    def rows(self) -> int:
        """Number of rows in all data files."""
        return sum(part.rows for part in self.parts)

    @property
    def bytes(self) -> int:
        """Size of all data files."""
        return sum(part.bytes for part in self.parts)

    def add_all(self, entries: Sequence[Entry]) -> None:
        """Add entries read from the log, and check that no experiment is stored twice.

        Raises:
            EntryDamaged: as for `add`, or an index of a study is in two data files.
        """
        for entry in entries:
            self.add(entry)
        for digest, study in self.studies.items():
            if len(study.indices) != study.rows:
                raise EntryDamaged(
                    self._paths.log, f"some experiments of {study.name} ({digest}) are stored twice"
                )

    def add(self, entry: Entry) -> None:
        """Add the next entry of the log.

        Raises:
            EntryDamaged: the entry contradicts the ones before it; it was not added.
        """
        match entry:
            case SweepBegin():
                if entry.sweep_id in self.sweeps:
                    self._refuse(f"starts the sweep {entry.sweep_id} again")
                self.sweeps[entry.sweep_id] = SweepProgress(entry)
            case RowsCommitted():
                self._check_part(entry)
                self._add_rows(entry)
            case RowsReplaced():
                for file in entry.removed:
                    if file not in self._parts and not self._incomplete:
                        self._refuse(f"replaces the data file {file}, which is not in the store")
                for part in entry.parts:
                    self._check_part(part)
                self._remove_all(entry.removed)
                for part in entry.parts:
                    self._add_rows(part)
            case EntryLost():
                self._incomplete = True
                self._remove_all(entry.removed)
            case SweepEnd():
                self._check_sweep(entry.sweep_id)
                if self._sweep(entry.sweep_id).end is not None:
                    self._refuse(f"ends the sweep {entry.sweep_id} again")
                self._sweep(entry.sweep_id).end = entry
            case InitStored():
                if entry.name in self.inits:
                    self._refuse(f"stores the initialisation {entry.name} again")
                self.inits[entry.name] = FrozenInit.from_entry(entry)
            case SearchChoice():
                self.searches[entry.settings, entry.phase] = entry
        self.entries += 1

    def stored(self, study_digest: str) -> IndexSet:
        """Return the stored indices of a study; none if the store does not know it."""
        return self.studies.get(study_digest, StudyRows("")).indices

    def repeats_rows(self, entry: Entry) -> bool:
        """Return whether an entry brings in rows that are stored already.

        `add` does not check this, because it would merge the indices after every entry.
        """
        parts = parts_in(entry)
        removed = entry.removed if isinstance(entry, RowsReplaced) else []
        freed = all_indices(part for part in self.parts if part.file in removed)
        new = all_indices(parts)
        return any(
            indices & (self.stored(digest).near(indices.intervals) - freed.get(digest, IndexSet()))
            for digest, indices in new.items()
        ) or sum(map(len, new.values())) < sum(part.rows for part in parts)

    def _check_part(self, part: RowsCommitted) -> None:
        if part.file in self._parts:
            self._refuse(f"names the data file {part.file} again")
        for sweep_id in part.sweeps:
            self._check_sweep(sweep_id)

    def _check_sweep(self, sweep_id: str) -> None:
        if sweep_id not in self.sweeps and not self._incomplete:
            self._refuse(f"names the sweep {sweep_id}, which was never started")

    def _refuse(self, problem: str) -> None:
        raise EntryDamaged(self._paths.entry(self.entries + 1), problem)

    def _add_rows(self, part: RowsCommitted) -> None:
        for sweep_id, share in part.sweeps.items():
            self._sweep(sweep_id).add(share)
        for digest, intervals in part.indices.items():
            study = self.studies.setdefault(digest, StudyRows(part.studies[digest]))
            study.add(intervals)
        self._parts[part.file] = part

    def _remove_all(self, files: Iterable[str]) -> None:
        for file in files:
            self.replaced.add(file)
            # A file that only a lost entry named is not there.
            if file not in self._parts:
                continue
            part = self._parts.pop(file)
            for sweep_id, share in part.sweeps.items():
                self._sweep(sweep_id).add(share, -1)
            for digest, intervals in part.indices.items():
                self.studies[digest].remove(intervals)
                if not self.studies[digest].rows:
                    del self.studies[digest]

    def _sweep(self, sweep_id: str) -> SweepProgress:
        """Return a sweep; of one whose start was lost, only the id is known."""
        if sweep_id not in self.sweeps:
            self.sweeps[sweep_id] = SweepProgress(unknown_sweep(sweep_id))
        return self.sweeps[sweep_id]


def parts_in(entry: object) -> list[RowsCommitted]:
    """Return the data files that a log entry brings in."""
    if isinstance(entry, RowsReplaced):
        return entry.parts
    return [entry] if isinstance(entry, RowsCommitted) else []


def all_indices(parts: Iterable[RowsCommitted]) -> dict[str, IndexSet]:
    """Return digest of a study -> its indices in some data files."""
    intervals: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for part in parts:
        for digest, some in part.indices.items():
            intervals[digest] += some
    return {digest: IndexSet.of(some) for digest, some in intervals.items()}
