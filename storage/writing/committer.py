"""A store opened for writing: the lock, the end of the log, and how an entry gets there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa

from storage import durable
from storage.data.parts import check_part_schema
from storage.data.replacing import NewPart
from storage.errors import WriterClosed
from storage.lock import StoreLock
from storage.log.entries import Entry, RowsCommitted, RowsReplaced
from storage.log.files import entry_bytes, publish_bytes, read_log
from storage.log.state import StoreState
from storage.marker import check_marker, make_store_folder, mark_store
from storage.paths import StorePaths, list_unpublished
from storage.remote.origin import Origin


class Committer:
    """Appends to the log of a store, and stops for good at the first error.

    Args:
        paths: of the store, which is made if there is none.
        command: what this process was started as.

    Raises:
        StoreLocked: another process is writing to the store.
        NotAStore: the folder holds something else.
        StoreDamaged: the log is not what was written.
        StoreVersion: a newer version of sparsest wrote the store.
        WriteFailed: an input/output error.
        RemoteFailed: the store is a working copy, and a request to S3 failed.
    """

    def __init__(self, paths: StorePaths, command: str) -> None:
        self._paths = paths
        self._stopped = False
        make_store_folder(paths)
        self._lock = StoreLock(paths, command)
        try:
            self._origin = Origin.of(paths)
            if self._origin is not None:
                self._origin.open_for_writing()
            mark_store(paths)
            check_marker(paths)
            # A writer that was killed between publishing something and making its name durable
            # left what everybody can read and a power loss could still take away.
            durable.sync_folder(paths.log)
            durable.sync_folder(paths.root)
            with durable.reporting("look into", paths.root):
                found = list_unpublished(paths)
            self.state = StoreState(paths)
            self.state.add_all(read_log(paths))
            # What this writer will replace is not among them: readers may have opened it.
            named = {part.file for part in self.state.parts}
            self._leftovers = [file for file in found if file.name not in named]
            for part in self.state.parts:
                check_part_schema(paths, part)
        except BaseException:
            self._lock.release()
            raise

    @property
    def stopped(self) -> bool:
        """Whether an error or `close` has ended all writing."""
        return self._stopped

    def publish(self, entry: Entry) -> None:
        """Appends an entry to the log, durably.

        Raises:
            WriterClosed: writing has stopped.
            WriteFailed: an input/output error; only the log knows whether the entry is there.
        """
        with self._stopping_on_error():
            number = self.state.entries + 1
            data = entry_bytes(number, entry)
            if self._origin is not None:
                # S3 decides what is stored. If this process dies after that, the next one that
                # opens the working copy finds the entry there.
                self._origin.publish_entry(number, data)
            publish_bytes(self._paths, number, data)
            self.state.add(entry)
            self._remove_leftovers()

    def publish_rows(self, data: pa.Buffer, part: RowsCommitted) -> None:
        """Writes a data file and appends the entry that makes its rows stored.

        Args:
            data: bytes of the file.
            part: its entry.

        Raises:
            WriterClosed: writing has stopped.
            WriteFailed: an input/output error; only the log knows whether the rows are stored.
        """
        with self._stopping_on_error():
            self._write_part(data, part)
            durable.sync_folder(self._paths.data)
        self.publish(part)

    def publish_replacement(
        self, command: str, removed: Sequence[str], new: Iterable[NewPart]
    ) -> None:
        """Writes data files and appends the entry by which they take the place of others.

        The replaced files stay in their folder for now: a reader may have opened the store a
        moment ago. The next process that writes removes them.

        Args:
            command: the command line.
            removed: names of the files that are replaced.
            new: the files that take their place, made one after the other.

        Raises:
            StoreDamaged: a file that is to be rewritten is not what was written.
            WriterClosed: writing has stopped.
            WriteFailed: an input/output error; only the log knows which files count.
        """
        parts = []
        with self._stopping_on_error():
            for data, part in new:
                self._write_part(data, part)
                parts.append(part)
            durable.sync_folder(self._paths.data)
        self.publish(RowsReplaced(command=command, removed=list(removed), parts=parts))

    def publish_damage(self, command: str, damage: Mapping[str, str]) -> None:
        """Keeps damaged data files in a folder of their own, and takes their rows out of the store.

        Args:
            command: the command line.
            damage: name of a data file -> what is wrong with it.

        Raises:
            WriterClosed: writing has stopped.
            WriteFailed: an input/output error; only the log knows which files count.
        """
        paths = self._paths
        with self._stopping_on_error():
            # Like any replaced file, these stay in their folder until the next process that writes,
            # which makes the name of the new folder durable before it does anything else.
            durable.make_folders(paths.quarantine)
            for file in damage:
                durable.keep_link(paths.part(file), paths.quarantine / file)
            durable.sync_folder(paths.quarantine)
        self.publish(
            RowsReplaced(command=command, removed=[*damage], parts=[], damage=dict(damage))
        )

    def close(self) -> None:
        """Frees the lock; a second call does nothing."""
        self._stopped = True
        self._lock.release()

    def _write_part(self, data: pa.Buffer, part: RowsCommitted) -> None:
        durable.create_exclusive(self._paths.part(part.file), memoryview(data))
        if self._origin is not None:
            self._origin.publish_part(part.file, data.to_pybytes())

    def _remove_leftovers(self) -> None:
        """Removes what earlier writers left behind, once an entry of this one is in the log.

        That is what a killed one had not published, and what one has replaced.

        Not before: if the lock is not respected, another writer may be about to name one of these
        files. Now that the number it would use is taken, it cannot.
        """
        for file in self._leftovers:
            durable.remove(file)
        self._leftovers = []

    @contextmanager
    def _stopping_on_error(self) -> Iterator[None]:
        if self._stopped:
            raise WriterClosed(
                f"Nothing more is written to {self._paths.root}: the writer was closed or failed "
                "before. Run the same command again; it goes on from what is stored."
            )
        try:
            yield
        except BaseException:
            # An interruption too leaves open how far the step got.
            self._stopped = True
            raise
