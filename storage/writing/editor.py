"""A store opened for changes: removing rows, quarantining files, and recording initialisations."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa

from search.layers import Layer
from storage.data.parts import check_part_content
from storage.data.replacing import (
    NewPart,
    RowLocations,
    StudyIndices,
    find_rows,
    indices_in,
    parts_without_rows,
)
from storage.errors import DataFileDamaged, InitFrozen
from storage.log.entries import RowsReplaced
from storage.log.init_entries import FoundNetwork, init_entry
from storage.writing.committer import Committer

_UNREADABLE_FOR_ALL = (errno.ENOENT, errno.EIO, errno.EINVAL)
"""Errors after which no user could read the file. With others, such as a missing permission, the
file may be intact."""


@dataclass(frozen=True)
class QuarantinedFile:
    """A damaged data file that was taken out of a store, and the number of its rows.

    `file` is its path in the quarantine; no file exists there if it was missing.
    """

    file: Path
    problem: str
    rows: int


class StoreEditor(Committer):
    """Changes a store; arguments and errors are those of `Committer`."""

    def record_init(
        self, name: str, digest: str, layers: Sequence[Layer], found: FoundNetwork | None = None
    ) -> bool:
        """Store an initialisation under a name, for good.

        `digest` is that by which experiments refer to it, and `found` the best network that was
        trained from it, if this store's search found it. Weights are float32 (outputs, inputs).

        Returns:
            True if it was stored now, False if the same one was stored before.

        Raises:
            InitFrozen: the store has another one of that name.
            RowsRefused: the shapes of the layers do not match.
        """
        entry = init_entry(name, digest, layers, found)
        known = self.state.inits.get(name)
        if known is not None:
            if known.digest == digest:
                return False
            raise InitFrozen(
                f"The store {self.paths.root} has the initialisation {name} with the digest "
                f"{known.digest}, not {digest}. A store has one of each name: use that one, or "
                "another store."
            )
        self.publish(entry)
        return True

    def forget(self, experiment_ids: Sequence[str]) -> int:
        """Remove rows from the store, all in one step; return their number.

        Raises:
            StoreDamaged: a file that has such rows is missing or was changed; nothing was removed.
        """
        ids = pa.array(experiment_ids, pa.string())
        parts = self.state.parts
        found = RowLocations(find_rows(self.paths, parts, "experiment_id", ids))
        if len(found):
            self._replace_rows(found.locate(experiment_ids), ())
        return len(found)

    def quarantine_damaged(self) -> list[QuarantinedFile]:
        """Move damaged data files to the quarantine, after comparing every byte with the log.

        Their rows are no longer stored, and the log says what was wrong with them.

        Raises:
            DataFileDamaged: a file may be intact, but this user cannot read it.
        """
        parts = {part.file: part for part in self.state.parts}
        damage = {}
        for part in parts.values():
            try:
                check_part_content(self.paths, part)
            except DataFileDamaged as problem:
                cause = problem.__cause__
                if isinstance(cause, OSError) and cause.errno not in _UNREADABLE_FOR_ALL:
                    raise
                damage[part.file] = problem.problem
        if not damage:
            return []
        with self._stopping_on_error():
            kept = self._keep([self.paths.part(file) for file in damage])
        removed = list(damage)
        self.publish(RowsReplaced(command=self._command, removed=removed, parts=[], damage=damage))
        return [
            QuarantinedFile(path, problem, parts[file].rows)
            for path, (file, problem) in zip(kept, damage.items(), strict=True)
        ]

    def _replace_rows(self, removed: StudyIndices, new: Iterable[NewPart]) -> None:
        """Remove rows and bring data files in, with one entry of the log."""
        old = [part for part in self.state.parts if indices_in(part, removed)]
        self.publish_replacement(
            [part.file for part in old],
            chain(parts_without_rows(self.paths, old, removed), new),
        )
