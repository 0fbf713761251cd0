"""A store opened for changes: what it keeps beside rows, and taking rows out of it."""

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
from storage.data.replacing import NewPart, StudyIndices, find_rows, indices_in, parts_without_rows
from storage.errors import DataFileDamaged, InitFrozen
from storage.log.entries import RowsCommitted
from storage.log.init_entries import FoundNetwork
from storage.log.inits import FrozenInit, init_entry
from storage.log.search_entries import SearchChoice
from storage.paths import StorePaths
from storage.writing.committer import Committer
from storage.writing.row_locations import RowLocations

_UNREADABLE_FOR_ALL = (errno.ENOENT, errno.EIO)
"""Errors that no user could read a file after. With others, such as a missing permission, the file
may be intact."""


@dataclass(frozen=True)
class QuarantinedFile:
    """A damaged data file that was taken out of a store.

    Attributes:
        file: its new path; nothing is there if the file was missing.
        problem: what was wrong with it.
        rows: number of rows that it held.
    """

    file: Path
    problem: str
    rows: int


class StoreEditor:
    """Changes a store, which it makes if there is none; the only process that does.

    After an input/output error nothing more is written by this object, and the log says what is
    stored.

    Args:
        path: folder of the store.
        command: what this process was started as, shown to others that want to write.

    Raises:
        StoreLocked: another process is writing to the store.
        NotAStore: the folder holds something else.
        StoreDamaged: the log is not what was written.
        StoreVersion: a newer version of sparsest wrote the store.
        WriteFailed: an input/output error.
    """

    def __init__(self, path: str | Path, *, command: str = "") -> None:
        self.paths = StorePaths.of(path)
        self._command = command
        self._committer = Committer(self.paths, command)

    @property
    def inits(self) -> Mapping[str, FrozenInit]:
        """Initialisations of the store, by name."""
        return self._committer.state.inits

    def record_init(
        self, name: str, digest: str, layers: Sequence[Layer], found: FoundNetwork | None = None
    ) -> bool:
        """Freezes an initialisation under a name.

        Args:
            name: such as "bench-95".
            digest: by which experiments name it.
            layers: weights float32 (outputs, inputs) and biases float32 (outputs,) of each layer.
            found: the network that was trained from it, where this store's search found it.

        Returns:
            True where it was stored now, False where the same one stood there already.

        Raises:
            InitFrozen: the name stands for another one.
            RowsRefused: the arrays are not layers that fit each other.
            WriteFailed: an input/output error.
        """
        entry = init_entry(name, digest, layers, found)
        known = self._committer.state.inits.get(name)
        if known is not None:
            if known.digest == digest:
                return False
            raise InitFrozen(
                f"The store {self.paths.root} has the initialisation {name} with the digest "
                f"{known.digest}, not {digest}. One store has one of each name: use that one, or "
                "another store."
            )
        self._committer.publish(entry)
        return True

    def record_search(self, choice: SearchChoice) -> None:
        """Records what a phase of a search has chosen, in place of what it chose before.

        Raises:
            WriteFailed: an input/output error.
        """
        self._committer.publish(choice)

    def forget(self, experiment_ids: Sequence[str]) -> int:
        """Takes rows out of the store, all at once; their experiments are no longer stored.

        Returns:
            How many there were.

        Raises:
            StoreDamaged: a file that has such rows is missing or was changed; nothing was taken.
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error; the log knows whether they are still stored.
        """
        ids = pa.array(experiment_ids, pa.string())
        found = RowLocations(
            find_rows(self.paths, self._committer.state.parts, "experiment_id", ids)
        )
        if len(found):
            self._replace_rows(found.locate(experiment_ids), ())
        return len(found)

    def quarantine_damaged(self) -> list[QuarantinedFile]:
        """Takes data files out of the store that are not what was written; reads all of them.

        They are kept in a folder of their own, the log says what was wrong with them, and their
        experiments are no longer stored.

        Returns:
            These files; none where all is well.

        Raises:
            DataFileDamaged: one may be well, but cannot be read by this user.
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error; the log knows whether they are still stored.
        """
        parts = self._committer.state.parts
        damage = _find_damage(self.paths, parts)
        if damage:
            self._committer.publish_damage(self._command, damage)
        return [
            QuarantinedFile(self.paths.quarantine / part.file, damage[part.file], part.rows)
            for part in parts
            if part.file in damage
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the lock; a second call does nothing."""
        self._committer.close()

    def _replace_rows(self, gone: StudyIndices, new: Iterable[NewPart]) -> None:
        """Takes rows away and brings data files in, with one entry of the log."""
        old = [part for part in self._committer.state.parts if indices_in(part, gone)]
        self._committer.publish_replacement(
            self._command,
            [part.file for part in old],
            chain(parts_without_rows(self.paths, old, gone), new),
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
