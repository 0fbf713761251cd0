"""Files in the folder of a store that do not belong to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from storage.checking.finding import StoreFinding
from storage.errors import StoreError
from storage.log.state import StoreState
from storage.paths import StorePaths, is_part, is_system_file
from storage.unnamed import FolderListing

_REMOVED_BY_WRITER = "nothing: the next process that writes to the store removes it"
_MOVE_AWAY = "nothing reads it: move it away"
_IGNORED = "nothing: it is ignored"
_REMOVE = "nothing reads its files: remove the folder when you do not need them any more"
_REBUILD = (
    "`sparsest verify --rebuild` adds its rows to the log; otherwise the next process that writes "
    "moves it to the quarantine"
)
_EARLIER_QUARANTINE = "set-aside"


class StoreListing:
    """All files in the folders of a store, listed before the log is read.

    Raises:
        StoreError: a folder cannot be listed.
    """

    def __init__(self, paths: StorePaths) -> None:
        self._paths = paths
        self._files: list[Path] = []
        try:
            self._data = FolderListing(paths)
            for folder in (paths.root, paths.data, paths.tmp, paths.log):
                if folder.is_dir():
                    self._files += sorted(folder.iterdir())
        except OSError as error:
            raise StoreError(f"Could not list {error.filename}: {error.strerror}.") from error

    def leftovers(self, state: StoreState) -> Iterator[StoreFinding]:
        """Yield the files that the store does not need.

        Meaningful only while no process writes: files that are being written look the same.
        """
        named = {part.file for part in state.parts}
        orphans = set(self._data.orphans(named | state.replaced))
        for file in self._files:
            problem = self._in_root(file) if file.parent == self._paths.root else None
            if file.parent == self._paths.tmp:
                problem = "left by a process that died while it wrote", _REMOVED_BY_WRITER
            elif file.parent == self._paths.log and is_system_file(file.name):
                problem = "not a log entry", _IGNORED
            elif file.parent == self._paths.data and file.name not in named:
                problem = _in_data(file, state, is_orphan=file in orphans)
            if problem is not None:
                yield StoreFinding(os.fsencode(file).decode(errors="backslashreplace"), *problem)

    def _in_root(self, file: Path) -> tuple[str, str] | None:
        paths = self._paths
        own = {paths.marker, paths.lock, paths.origin, paths.live, paths.planned, *paths.folders}
        if file == paths.quarantine or file.name == _EARLIER_QUARANTINE:
            return "holds files that were taken out of the store", _REMOVE
        if file in own or is_system_file(file.name):
            return None
        return "not a file of a store", _MOVE_AWAY


def _in_data(file: Path, state: StoreState, *, is_orphan: bool) -> tuple[str, str]:
    if not is_part(file.name):
        return "not a data file", _IGNORED if is_system_file(file.name) else _MOVE_AWAY
    if file.name in state.replaced:
        return "replaced by other files; kept for readers that have it open", _REMOVED_BY_WRITER
    if is_orphan:
        return "no log entry names it, although its writer did not die while it wrote it", _REBUILD
    return "its writer died before its rows were stored, or it was quarantined", _REMOVED_BY_WRITER
