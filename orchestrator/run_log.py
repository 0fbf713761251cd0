"""The log file beside a store."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path

from orchestrator.errors import NoWorkerError, UserError
from storage.paths import StorePaths
from storage.safe_open import append_regular


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
