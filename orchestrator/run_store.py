"""The store of a command that trains, with its log file: opened once, checked, and repaired."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Self

from rich.console import Console

from orchestrator.display.console import print_unwrapped
from orchestrator.display.formatting import counted
from orchestrator.errors import NoWorkerError, UserError
from storage.checking.repair import repair_log
from storage.errors import EntryDamaged
from storage.log.init_entries import FrozenInit
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.safe_open import append_regular
from storage.writing.committer import quarantined_orphans
from storage.writing.writer import StoreWriter

logger = logging.getLogger(__name__)


class RunStore(ExitStack):
    """A store with its writer, a reader, and the log file beside it.

    Every byte of an existing store is checked when it is entered. Damaged files, and data files
    that no log entry accounts for, are quarantined; the experiments of lost rows are trained again.
    A store that does not exist is created when `writer` is used first.

    Args:
        command: the command line, which the store records.
        console: for messages of the command.

    Raises:
        StoreError: the store cannot be used.
        UserError: the log file cannot be written.
    """

    def __init__(self, folder: Path, command: str, console: Console) -> None:
        super().__init__()
        self.folder = folder
        self.paths = StorePaths(folder)
        self.command = command
        self.console = console
        self._writer: StoreWriter | None = None
        self._reader: StoreReader | None = None

    def __enter__(self) -> Self:
        if self.paths.has_store():
            self._open()
        return self

    @property
    def existing(self) -> StoreWriter | None:
        """The writer; None if the store does not exist yet."""
        return self._writer

    @property
    def inits(self) -> Mapping[str, FrozenInit]:
        """The store's initialisations by name."""
        return {} if self._writer is None else self._writer.state.inits

    @property
    def writer(self) -> StoreWriter:
        """The writer."""
        return self._writer or self._open()

    @property
    def reader(self) -> StoreReader:
        """A reader of everything that has been committed."""
        if self._reader is None:
            # The writer has read the log already.
            state = None if self._writer is None else self._writer.state
            self._reader = self.enter_context(StoreReader(self.folder, state=state))
        self._reader.refresh()
        return self._reader

    def print(self, *lines: str) -> None:
        """Print messages of the command."""
        print_unwrapped(self.console, *lines)

    def _open(self) -> StoreWriter:
        messages = []
        try:
            writer = StoreWriter(self.folder, command=self.command)
        except EntryDamaged:
            messages = [
                f"damaged: the log entry {lost.file}: {lost.problem}. It is kept as {lost.kept}; "
                "rows that only it named are no longer stored"
                for lost in repair_log(self.paths, self.command)
            ]
            writer = StoreWriter(self.folder, command=self.command)
        self._writer = self.enter_context(writer)
        self.enter_context(log_beside(self.paths))
        # The working copy of a store on S3 fetches damaged files again.
        if not self.paths.origin.exists():
            messages += [
                f"damaged: a data file {file.problem}. It is kept as {file.file}; its "
                f"{counted(file.rows, 'row')} are no longer stored"
                for file in writer.quarantine_damaged()
            ]
            orphans = writer.quarantine_orphans()
            if orphans:
                messages.append(quarantined_orphans(self.paths, len(orphans)))
        self.print(*messages)
        for message in messages:
            logger.warning("%s", message)
        return writer


class _RunLog(logging.FileHandler):
    """A log file whose loss does not end a run: it is reported once, and the run continues."""

    _lost = False

    def _open(self) -> TextIOWrapper:
        return append_regular(Path(self.baseFilename))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Report the first line that could not be written."""
        error = sys.exception()
        if self._lost or not isinstance(error, OSError):
            return
        self._lost = True
        with suppress(OSError, ValueError, AttributeError):  # standard error may be lost too
            print(f"cannot write {self.baseFilename}: {error.strerror}", file=sys.stderr)


class _UtcFormatter(logging.Formatter):
    """Writes times in UTC, like all times in a store."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


@contextmanager
def log_beside(paths: StorePaths) -> Iterator[None]:
    """Log to the file beside the store, whatever the terminal shows.

    Raises:
        UserError: the file cannot be written; or no worker can start, with the file's path.
    """
    try:
        handler = _RunLog(paths.run_log)
    except OSError as error:
        raise UserError(f"cannot write the log file {paths.run_log}: {error.strerror}") from error
    handler.setFormatter(_UtcFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level_before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    except NoWorkerError as error:
        raise UserError(f"{error}. Details are in the log {paths.run_log}") from error
    finally:
        root.setLevel(level_before)
        root.removeHandler(handler)
        with suppress(OSError):  # what could not be written before cannot be written now
            handler.close()
