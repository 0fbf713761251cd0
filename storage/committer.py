"""A store opened for writing: the lock, the end of the log, and how an entry gets there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from storage import durable
from storage.entries import Entry, RowsCommitted
from storage.errors import WriterClosed
from storage.lock import StoreLock
from storage.log import publish, read_log
from storage.marker import check_marker, make_store_folder, mark_store
from storage.parts import check_part_schema
from storage.paths import StorePaths, list_unpublished
from storage.state import StoreState


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
    """

    def __init__(self, paths: StorePaths, command: str) -> None:
        self._paths = paths
        self._stopped = False
        make_store_folder(paths)
        self._lock = StoreLock(paths, command)
        try:
            mark_store(paths)
            check_marker(paths)
            # A writer that was killed between publishing something and making its name durable
            # left what everybody can read and a power loss could still take away.
            durable.sync_folder(paths.log)
            durable.sync_folder(paths.root)
            with durable.reporting("look into", paths.root):
                self._unpublished = list_unpublished(paths)
            self.state = StoreState(paths)
            self.state.add_all(read_log(paths))
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
            publish(self._paths, self.state.entries + 1, entry)
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
            durable.create_exclusive(self._paths.part(part.file), memoryview(data))
            durable.sync_folder(self._paths.data)
        self.publish(part)

    def close(self) -> None:
        """Frees the lock; a second call does nothing."""
        self._stopped = True
        self._lock.release()

    def _remove_leftovers(self) -> None:
        """Removes what a killed writer left behind, once an entry of this one is in the log.

        Not before: if the lock is not respected, another writer may be about to name one of these
        files. Now that the number it would use is taken, it cannot.
        """
        named = {part.file for part in self.state.parts}
        for file in self._unpublished:
            if file.name not in named:
                durable.remove(file)
        self._unpublished = []

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
