"""Progress of a running sweep, for `status` and other watchers.

The log says what is stored; this file adds what only the driver knows. It is replaced every second,
is not flushed to disk, and is removed when the sweep ends. The file of a killed sweep is ignored,
because the lock of the store is free or another sweep was started.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import Annotated

from pydantic import Field, ValidationError

from storage.log.strict import Count, Name, Strict
from storage.paths import StorePaths
from storage.safe_open import read_regular

logger = logging.getLogger(__name__)


_Estimate = Annotated[float, Field(ge=0)]


class LiveProgress(Strict):
    """A running sweep as its driver sees it.

    Attributes:
        sweep_id: id of the sweep.
        done: number of experiments that were trained.
        total: number of experiments to train.
        rate: experiments per second, over the last minute.
        left_s: estimated seconds until the end, at the present rate; None if unknown.
        workers: number of workers that are training.
    """

    sweep_id: Name
    done: Count
    total: Count
    rate: _Estimate
    left_s: _Estimate | None
    workers: Count


class LiveFile:
    """The progress file of a sweep that runs in this process.

    It is written relative to the folder that was opened here, so that it never ends up in another
    store that takes the place of this one.
    """

    def __init__(self, paths: StorePaths) -> None:
        self._paths = paths
        self._temporary = f"{paths.tmp.name}/{paths.new_temporary().name}"
        self._warned = False
        self._folder: int | None = None
        try:
            self._folder = os.open(paths.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            self._warn(error)

    def write(self, progress: LiveProgress) -> None:
        """Replace the progress.

        If that fails, the sweep continues without it, and one warning is logged.
        """
        if self._folder is None:
            return
        data = progress.model_dump_json().encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._temporary, flags, 0o666, dir_fd=self._folder)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(
                self._temporary,
                self._paths.live.name,
                src_dir_fd=self._folder,
                dst_dir_fd=self._folder,
            )
        except OSError as error:
            self._warn(error)

    def remove(self) -> None:
        """Remove the file; a second call does nothing."""
        if self._folder is None:
            return
        for name in (self._temporary, self._paths.live.name):
            try:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self._folder)
            except OSError as error:
                logger.warning("%s cannot be removed: %s", name, error.strerror)
        os.close(self._folder)
        self._folder = None

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            logger.warning("%s cannot be written: %s", self._paths.live, error.strerror)
            self._warned = True


def read_live(paths: StorePaths, sweep_id: str) -> LiveProgress | None:
    """Return the latest progress of a running sweep; None if there is none."""
    try:
        progress = LiveProgress.model_validate_json(read_regular(paths.live))
    except (OSError, ValidationError):
        # Not written yet, or by another version of the software.
        return None
    return progress if progress.sweep_id == sweep_id else None
