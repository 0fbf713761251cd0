"""Standard streams whose failures do not end in a traceback.

A pipe's reader can go away, a disk can fill up, and a descriptor can be closed from the start.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EPIPE
from typing import TextIO

from orchestrator.display.terminal import print_line

logger = logging.getLogger(__name__)


class OutputError(Exception):
    """Standard output cannot be written.

    Not an `OSError`: rich and typer handle errors of their own output, each in its own way.

    Attributes:
        error: the reason.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror}")
        self.error = error


class _Stream(io.TextIOWrapper):
    """A standard stream that is redirected to /dev/null when it cannot be written."""

    def write(self, text: str) -> int:
        """Write text."""
        try:
            return super().write(text)
        except OSError as error:
            self._redirect(error)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except OSError as error:
            self._redirect(error)

    def _redirect(self, error: OSError) -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)
        self._report(error)

    def _report(self, error: OSError) -> None:
        raise OutputError(error)


class _ErrorStream(_Stream):
    """Standard error. A message that cannot be shown must not end a sweep."""

    def _report(self, error: OSError) -> None:
        with suppress(RuntimeError):  # a log handler that itself writes to standard error
            logger.warning("standard error: %s; continuing without it", error.strerror)


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Replace the standard streams of this process by ones whose failures are handled.

    If standard output cannot be written, the process ends with one line on standard error and exit
    code 1. A reader that closes the pipe, as in `sparsest list phase1 | head`, has all it wants:
    exit code 0. Failures of standard error go to the log of the run.
    """
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)  # otherwise the next file opened gets its descriptor
    sys.stdout = _guarded(sys.stdout, 1, _Stream)
    sys.stderr = _guarded(sys.stderr, 2, _ErrorStream)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OutputError as failure:
        if failure.error.errno == EPIPE:
            sys.exit(0)
        print_line(f"error: {failure}", err=True)
        sys.exit(1)


def _guarded(stream: TextIO | None, descriptor: int, kind: type[_Stream]) -> TextIO:
    """Return a stream that replaces a standard stream, which is None if it was closed."""
    if stream is None:
        # A descriptor on which every write fails. It also keeps the number from the next file
        # opened, which would otherwise receive whatever is printed.
        descriptor = os.open(os.devnull, os.O_RDONLY)
    raw = io.FileIO(descriptor, "wb", closefd=False)
    return kind(
        io.BufferedWriter(raw),
        encoding="utf-8" if stream is None else stream.encoding,
        errors="backslashreplace",
        line_buffering=kind is _ErrorStream or raw.isatty(),
    )
