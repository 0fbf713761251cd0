"""How far a running sweep is, for whoever watches: a file that means nothing once it has ended.

The log says what is stored, which is the truth; this says what the driver knows beyond it. It is
replaced as a whole every second, is not flushed to disk, and is removed when the sweep ends. After
a kill it stays behind, and is not believed: the store's lock is free, or another sweep has begun.
"""

from __future__ import annotations

import logging
import os

from pydantic import ValidationError

from storage.log.strict import Amount, Count, Name, Strict
from storage.paths import StorePaths
from storage.safe_open import read_regular

logger = logging.getLogger(__name__)


class LiveProgress(Strict):
    """A running sweep as its driver sees it.

    Attributes:
        sweep_id: of the sweep.
        done: experiments that have come back.
        total: experiments that the sweep is to train.
        rate: experiments a second, over the last minute.
        left_s: seconds that the rest takes if the work goes on as of late; None while nobody knows.
        workers: that train at this moment.
    """

    sweep_id: Name
    done: Count
    total: Count
    rate: Amount
    left_s: Amount | None
    workers: Count


class LiveFile:
    """The file of a sweep that runs in this process.

    Args:
        paths: of the store.
    """

    def __init__(self, paths: StorePaths) -> None:
        self._path = paths.live
        self._aside = paths.new_temporary()
        self._told = False

    def write(self, progress: LiveProgress) -> None:
        """Puts the progress in place of the last one.

        Where it cannot, only watchers lack it: the sweep goes on, and its text log says so once.
        """
        try:
            self._aside.write_text(progress.model_dump_json())
            os.replace(self._aside, self._path)
        except OSError as error:
            if not self._told:
                logger.warning("%s cannot be written: %s", self._path, error.strerror)
                self._told = True

    def remove(self) -> None:
        """Takes the file away."""
        for file in (self._aside, self._path):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                logger.warning("%s cannot be removed: %s", file, error.strerror)


def read_live(paths: StorePaths, sweep_id: str) -> LiveProgress | None:
    """What the driver of a sweep has last said; None where there is nothing of that sweep.

    Args:
        paths: of the store.
        sweep_id: of the sweep, which the caller knows to be running.
    """
    try:
        progress = LiveProgress.model_validate_json(read_regular(paths.live))
    except (OSError, ValidationError):
        # None yet, or one of another version of the software: the log says what is stored.
        return None
    return progress if progress.sweep_id == sweep_id else None
