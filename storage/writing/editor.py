"""A store opened for changes: removing rows, quarantining files, and recording initialisations."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

import pyarrow as pa

from search.layers import Layer
from storage.data.parts import check_part_content
from storage.data.replacing import (
    NewPart,
    StudyIndices,
    find_rows,
    indices_in,
    parts_without_rows,
)
from storage.errors import DataFileDamaged, InitFrozen
from storage.log.entries import RowsCommitted
from storage.log.init_entries import FoundNetwork
from storage.log.inits import FrozenInit, init_entry
from storage.log.search_entries import SearchChoice
from storage.log.state import StoreState
from storage.paths import StorePaths
from storage.writing.committer import Committer
from storage.writing.row_locations import RowLocations

_UNREADABLE_FOR_ALL = (errno.ENOENT, errno.EIO, errno.EINVAL)
"""Errors after which no user could read the file. With others, such as a missing permission, the
file may be intact."""


@dataclass(frozen=True)
class QuarantinedFile:
    """A damaged data file that was taken out of a store.

    Attributes:
        file: its path in the quarantine; no file exists there if it was missing.
        problem: what was wrong with it.
        rows: number of rows that it held.
    """

    file: Path
    problem: str
    rows: int


class StoreEditor:
    """Changes a store, which is made if there is none. Only one process at a time can.

    After an input/output error this object writes nothing more; the log says what is stored.

    Args:
        path: folder of the store.
        command: command line of this process, shown to others that want to write.

    Raises:
        StoreLocked: another process is writing to the store.
        NotAStore: the folder holds something else.
        StoreDamaged: the log is damaged or missing.
        StoreVersion: a newer version of sparsest wrote the store.
        WriteFailed: an input/output error.
    """

    def __init__(self, path: str | Path, *, command: str = "") -> None:
        self.paths = StorePaths.of(path)
        self._command = command
        self._committer = Committer(self.paths, command)

    @property
    def state(self) -> StoreState:
        """State of the log, kept up to date; a reader of the same process can share it."""
        return self._committer.state

    @property
    def inits(self) -> Mapping[str, FrozenInit]:
        """Initialisations of the store, by name."""
        return self._committer.state.inits

    def record_init(
        self, name: str, digest: str, layers: Sequence[Layer], found: FoundNetwork | None = None
    ) -> bool:
        """Store an initialisation under a name, for good.

        Args:
            name: name, such as "bench-95".
            digest: digest by which experiments refer to it.
            layers: weights float32 (outputs, inputs) and biases float32 (outputs,) of each layer.
            found: the best network that was trained from it, if this store's search found it.

        Returns:
            True if it was stored now, False if the same one was stored before.

        Raises:
            InitFrozen: the store has another one of that name.
            RowsRefused: the shapes of the layers do not match.
            WriteFailed: an input/output error.
        """
        entry = init_entry(name, digest, layers, found)
        known = self._committer.state.inits.get(name)
        if known is not None:
            if known.digest == digest:
                return False
            raise InitFrozen(
                f"The store {self.paths.root} has the initialisation {name} with the digest "
                f"{known.digest}, not {digest}. A store has one of each name: use that one, or "
                "another store."
            )
        self._committer.publish(entry)
        return True

    def record_search(self, choice: SearchChoice) -> None:
        """Record what a phase of a search chose, in place of its earlier choice.

        Raises:
            WriteFailed: an input/output error.
        """
        self._committer.publish(choice)

    def forget(self, experiment_ids: Sequence[str]) -> int:
        """Remove rows from the store, all in one step.

        Returns:
            The number of rows removed.

        Raises:
            StoreDamaged: a file that has such rows is missing or was changed; nothing was removed.
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error; the log says whether they are still stored.
        """
        ids = pa.array(experiment_ids, pa.string())
        parts = self._committer.state.parts
        found = RowLocations(find_rows(self.paths, parts, "experiment_id", ids))
        if len(found):
            self._replace_rows(found.locate(experiment_ids), ())
        return len(found)

    def quarantine_damaged(self) -> list[QuarantinedFile]:
        """Move damaged data files to the quarantine, after comparing every byte with the log.

        Their rows are no longer stored, and the log says what was wrong with them.

        Returns:
            These files; none if everything is intact.

        Raises:
            DataFileDamaged: a file may be intact, but this user cannot read it.
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error; the log says whether they are still stored.
        """
        parts = {part.file: part for part in self._committer.state.parts}
        damage = _find_damage(self.paths, parts.values())
        if not damage:
            return []
        kept = self._committer.publish_damage(self._command, damage)
        return [
            QuarantinedFile(path, problem, parts[file].rows)
            for path, (file, problem) in zip(kept, damage.items(), strict=True)
        ]

    def quarantine_orphans(self) -> list[Path]:
        """Move data files that no log entry accounts for to the quarantine; return their new paths.

        Any writer does so at its first change; this method also returns the files.

        Raises:
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error.
        """
        return self._committer.quarantine_orphans()

    def close(self) -> None:
        """Free the lock; a second call does nothing."""
        self._committer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _replace_rows(self, removed: StudyIndices, new: Iterable[NewPart]) -> None:
        """Remove rows and bring data files in, with one entry of the log."""
        old = [part for part in self._committer.state.parts if indices_in(part, removed)]
        self._committer.publish_replacement(
            self._command,
            [part.file for part in old],
            chain(parts_without_rows(self.paths, old, removed), new),
        )


def _find_damage(paths: StorePaths, parts: Iterable[RowsCommitted]) -> dict[str, str]:
    """Compare every byte of the data files with the log.

    Returns:
        Name of each damaged file -> what is wrong with it.

    Raises:
        DataFileDamaged: a file may be intact, but this user cannot read it.
    """
    damage = {}
    for part in parts:
        try:
            check_part_content(paths, part)
        except DataFileDamaged as problem:
            cause = problem.__cause__
            if isinstance(cause, OSError) and cause.errno not in _UNREADABLE_FOR_ALL:
                raise
            damage[part.file] = problem.problem
    return damage
