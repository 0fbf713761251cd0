"""Files beside the log, for `status` and other watchers.

The log says what is stored. `live.json` adds what only the driver of a running sweep knows, and
`planned.json` the number of experiments of each study that runs asked for. No decision depends on
them: they are not flushed to disk, and one that cannot be written is only reported.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from storage.log.strict import Count, Name, Strict
from storage.paths import StorePaths
from storage.safe_open import read_regular

logger = logging.getLogger(__name__)

_Estimate = Annotated[float, Field(ge=0)]
_Record = TypeVar("_Record", bound=Strict)


class LiveProgress(Strict):
    """A running sweep as its driver sees it: numbers of experiments and of training workers.

    Attributes:
        total: number of experiments of the sweep; None if it is not known before the end.
        rate: experiments per second, over the last minute.
        left_s: estimated seconds until the end, at the present rate; None if unknown.
    """

    sweep_id: Name
    done: Count
    total: Count | None
    rate: _Estimate
    left_s: _Estimate | None
    workers: Count


class _Planned(Strict):
    studies: dict[Name, Count]


class LiveFile:
    """The progress file of a sweep that runs in this process, replaced every second.

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
        folder = self._folder
        if folder is None:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._temporary, flags, 0o666, dir_fd=folder)
            with os.fdopen(descriptor, "w") as file:
                file.write(progress.model_dump_json())
            name = self._paths.live.name
            os.replace(self._temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            self._warn(error)

    def remove(self) -> None:
        """Remove the file when the sweep ends; a second call does nothing."""
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
            _warn(self._paths.live, error)
            self._warned = True


def read_live(paths: StorePaths, sweep_id: str) -> LiveProgress | None:
    """Return the latest progress of a running sweep; None if there is none.

    The file of a killed sweep may still be there: the lock of the store is free then, or another
    sweep was started.
    """
    progress = _read(paths.live, LiveProgress)
    return progress if progress is not None and progress.sweep_id == sweep_id else None


def record_planned(
    paths: StorePaths, studies: Mapping[str, int], superseded: Collection[str]
) -> None:
    """Record how many experiments a run asks for, unless an earlier run asked for more.

    `studies` maps the digest of a study to its number of wanted experiments, stored or not; those
    stored under another digest do not count. Nothing is wanted of the `superseded` digests, those
    of earlier versions, any more. The caller holds the lock.
    """
    recorded = read_planned(paths)
    before = {digest: count for digest, count in recorded.items() if digest not in superseded}
    most = {digest: max(count, before.get(digest, 0)) for digest, count in studies.items()}
    if {**before, **most} == recorded:
        return
    temporary = paths.new_temporary()
    try:
        temporary.write_text(_Planned(studies={**before, **most}).model_dump_json())
        os.replace(temporary, paths.planned)
    except OSError as error:
        _warn(paths.planned, error)


def read_planned(paths: StorePaths) -> dict[str, int]:
    """Return digest of a study -> number of its experiments that runs asked for, where known."""
    planned = _read(paths.planned, _Planned)
    return {} if planned is None else planned.studies


def _read(path: Path, kind: type[_Record]) -> _Record | None:
    """Return a record; None if it was not written yet, or by another version of the software."""
    try:
        return kind.model_validate_json(read_regular(path))
    except (OSError, ValidationError):
        return None


def _warn(path: Path, error: OSError) -> None:
    logger.warning("%s cannot be written: %s", path, error.strerror)
