"""The log file beside a store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.errors import UserError
from storage.paths import StorePaths


@contextmanager
def log_beside(paths: StorePaths) -> Iterator[None]:
    """Logs to the file beside the store, whatever the terminal shows.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        handler = logging.FileHandler(paths.run_log)
    except OSError as error:
        raise UserError(f"cannot write the log file {paths.run_log}: {error.strerror}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    usual_level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(usual_level)
        root.removeHandler(handler)
        handler.close()
