"""A store opened for writing: the lock, the state of the log, and appending entries to it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Self
from uuid import uuid4

import pyarrow as pa

from storage import durable
from storage.data.parts import check_part_schema
from storage.data.replacing import NewPart
from storage.errors import WriterClosed
from storage.lock import StoreLock
from storage.log.entries import Entry, RowsCommitted, RowsReplaced
from storage.log.files import entry_bytes, publish, read_state
from storage.marker import check_marker, make_store_folder, mark_store
from storage.paths import StorePaths
from storage.remote.working_copy import Origin
from storage.unnamed import FolderListing

logger = logging.getLogger(__name__)


class Committer:
    """Appends to the log of a store, and stops for good at the first error.

    Only one process at a time can have one for a store, which is made if there is none. Its methods
    raise `WriterClosed` after an error or `close`, `StoreMoved` if the store is no longer at its
    path (nothing was published), and `WriteFailed` on an input/output error, after which only the
    log says what is stored. `command` is the command line of this process, shown to others that
    want to write.

    Attributes:
        paths: paths of the store.
        state: state of the log, kept up to date; a reader of the same process can share it.

    Raises:
        StoreLocked: another process is writing to the store.
        NotAStore: the folder holds something else.
        StoreDamaged: the log is damaged or missing.
        StoreVersion: a newer version of sparsest wrote the store.
        WriteFailed: an input/output error.
        RemoteFailed: the store is a working copy, and a request to S3 failed.
    """

    def __init__(self, path: str | Path, *, command: str = "") -> None:
        paths = self.paths = StorePaths(path)
        self._command = command
        self._stopped = False
        make_store_folder(paths)
        self._lock = StoreLock(paths, command)
        try:
            self._origin = Origin.of(paths)
            if self._origin is not None:
                self._origin.open_for_writing()
            mark_store(paths)
            check_marker(paths)
            # A writer that was killed after publishing an entry and before making its name durable
            # left something that readers see and a power loss could still remove.
            durable.sync_folder(paths.log)
            durable.sync_folder(paths.root)
            with durable.reporting("read", paths.root):
                listing = FolderListing(paths)
            self.state = read_state(paths)
            self._orphans = listing.orphans(self.state.ever_named)
            # Files that this writer will replace are not among them: readers may have them open.
            named = {part.file for part in self.state.parts}
            self._leftovers = listing.leftovers(named, self._orphans)
            for part in self.state.parts:
                check_part_schema(paths, part)
        except BaseException:
            self._lock.close()
            raise

    def publish(self, entry: Entry) -> None:
        """Append an entry to the log, durably."""
        with self._stopping_on_error():
            number = self.state.entries + 1
            data = entry_bytes(number, entry)
            self._lock.check()
            if self._origin is not None:
                # S3 decides what is stored. If this process dies after that, the next one that
                # opens the working copy finds the entry there.
                self._origin.publish(self.paths.entry(number), data)
            publish(self.paths, number, data, self._lock)
            self.state.add(entry)
            self._remove_leftovers()

    def publish_rows(self, data: pa.Buffer, part: RowsCommitted) -> None:
        """Write a data file of these bytes, and append the entry that makes its rows stored."""
        self._write_parts([(data, part)])
        self.publish(part)

    def publish_replacement(self, removed: Sequence[str], new: Iterable[NewPart]) -> None:
        """Write data files and append the entry by which they replace others.

        The replaced files stay in their folder, because a reader may have opened the store a
        moment ago. The next process that writes removes them.

        Raises:
            StoreDamaged: a file that is to be rewritten is damaged.
        """
        parts = self._write_parts(new)
        self.publish(RowsReplaced(command=self._command, removed=list(removed), parts=parts))

    def quarantine_orphans(self) -> list[Path]:
        """Move the data files that nothing accounts for to the quarantine; return their new paths.

        Their log entries were lost, for example because an older log/ was restored from a backup.
        Any writer does so at its first change.
        """
        with self._stopping_on_error():
            kept = self._keep(self._orphans)
        self._orphans = []
        return kept

    def close(self) -> None:
        """Free the lock; a second call does nothing."""
        self._stopped = True
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _write_parts(self, new: Iterable[NewPart]) -> list[RowsCommitted]:
        parts = []
        with self._stopping_on_error():
            for data, part in new:
                # The temporary name stays until the entry is published: see `storage.unnamed`.
                temporary = self.paths.tmp / part.file
                self._lock.check()
                durable.create_exclusive(temporary, memoryview(data))
                self._lock.check()
                durable.publish_link(temporary, self.paths.part(part.file))
                self._leftovers.append(temporary)
                if self._origin is not None:
                    self._origin.publish(self.paths.part(part.file), data.to_pybytes())
                parts.append(part)
            durable.sync_folder(self.paths.data)
        return parts

    def _keep(self, files: Sequence[Path]) -> list[Path]:
        """Give files a name in the quarantine, durably; return their new paths.

        Like replaced files, they also stay in their folder until the next process writes. That one
        makes the name of the quarantine folder durable before it does anything else.
        """
        if not files:
            return []
        folder = self.paths.quarantine
        self._lock.check()
        durable.make_folders(folder)
        kept = [_free_name(folder, file) for file in files]
        for file, name in zip(files, kept, strict=True):
            durable.keep_link(file, name)
        durable.sync_folder(folder)
        return kept

    def _remove_leftovers(self) -> None:
        """Remove what earlier commits left behind, once this writer has an entry in the log.

        Not before: if the lock is not respected, another writer may be about to name one of these
        files. Once the number that it would use is taken, it cannot.
        """
        if self._orphans:
            count = len(self._orphans)
            self.quarantine_orphans()
            logger.warning("%s", quarantined_orphans(self.paths, count))
        for file in self._leftovers:
            durable.remove(file)
        self._leftovers = []

    @contextmanager
    def _stopping_on_error(self) -> Iterator[None]:
        if self._stopped:
            raise WriterClosed(
                f"Nothing more is written to {self.paths.root}: the writer was closed, or failed "
                "before. Run the same command again; it resumes from what is stored."
            )
        try:
            yield
        except BaseException:
            # An interruption too leaves open how far the step got.
            self._stopped = True
            raise


def quarantined_orphans(paths: StorePaths, count: int) -> str:
    """Return the message about data files that were quarantined because no entry names them."""
    return (
        f"{count:,} data files that no log entry names were moved from {paths.data} to "
        f"{paths.quarantine}. Was log/ replaced by an older copy? To use their rows again, move "
        f"them back and run `sparsest verify --rebuild --store {quote(str(paths.root))}`"
    )


def _free_name(folder: Path, file: Path) -> Path:
    """Return the path of a file in a folder; a new name if another file has that name."""
    path = folder / file.name
    if path.exists() and not (file.exists() and path.samefile(file)):
        return folder / f"{file.stem}-{uuid4().hex}{file.suffix}"
    return path
