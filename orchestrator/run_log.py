"""The log file beside a store."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from orchestrator.errors import NoWorkerError, UserError
from storage.paths import StorePaths


class _RunLog(logging.FileHandler):
    """A log file whose loss does not end a run: it is said once, and the run goes on."""

    _lost = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Called where a line could not be written."""
        error = sys.exception()
        if self._lost or not isinstance(error, OSError):
            return
        self._lost = True
        print(f"{self.baseFilename} cannot be written ({error.strerror})", file=sys.stderr)


@contextmanager
def log_beside(paths: StorePaths) -> Iterator[None]:
    """Logs to the file beside the store, whatever the terminal shows.

    Raises:
        UserError: the file cannot be written; or no worker can start, which it says more of.
    """
    try:
        handler = _RunLog(paths.run_log)
    except OSError as error:
        raise UserError(f"cannot write the log file {paths.run_log}: {error.strerror}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    usual_level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    except NoWorkerError as error:
        raise UserError(f"{error}. The log says more: {paths.run_log}") from error
    finally:
        root.setLevel(usual_level)
        root.removeHandler(handler)
        with suppress(OSError):  # what could not be written before cannot be written now
            handler.close()
