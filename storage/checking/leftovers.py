"""Files in the folder of a store that do not belong to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from storage.checking.verify_part import StoreFinding
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
_UNEXPLAINED = "no log entry names it, although its writer did not die while it wrote it"
_EARLIER_QUARANTINE = "set-aside"


class StoreListing(FolderListing):
    """All files in the folders of a store, listed before the log is read.

    Raises:
        StoreError: a folder cannot be listed.
    """

    def __init__(self, paths: StorePaths) -> None:
        try:
            super().__init__(paths)
            folders = (paths.root, paths.data, paths.tmp, paths.log)
            listed = [sorted(folder.iterdir()) for folder in folders if folder.is_dir()]
        except OSError as error:
            raise StoreError(f"Could not list {error.filename}: {error.strerror}.") from error
        self._files = [file for files in listed for file in files]

    def unneeded(self, state: StoreState) -> Iterator[StoreFinding]:
        """Yield the files that the store does not need.

        Meaningful only while no process writes: files that are being written look the same.
        """
        named, orphans = {part.file for part in state.parts}, set(self.orphans(state.ever_named))
        for file in self._files:
            if file.parent == self._paths.data and file.name in named:
                continue
            problem = self._problem(file, state, is_orphan=file in orphans)
            if problem is not None:
                yield StoreFinding(os.fsencode(file).decode(errors="backslashreplace"), *problem)

    def _problem(self, file: Path, state: StoreState, *, is_orphan: bool) -> tuple[str, str] | None:
        """Return what is wrong with a file, and what to do about it; None if it belongs there."""
        paths, ignored = self._paths, is_system_file(file.name)
        if file.parent == paths.tmp:
            return "left by a process that died while it wrote", _REMOVED_BY_WRITER
        if file.parent == paths.log:
            return ("not a log entry", _IGNORED) if ignored else None
        if file.parent == paths.root:
            own = {paths.marker, paths.lock, paths.origin, paths.live, paths.planned}
            if file == paths.quarantine or file.name == _EARLIER_QUARANTINE:
                return "holds files that were taken out of the store", _REMOVE
            belongs = ignored or file in own or file in paths.folders
            return None if belongs else ("not a file of a store", _MOVE_AWAY)
        if not is_part(file.name):
            return "not a data file", _IGNORED if ignored else _MOVE_AWAY
        if file.name in state.replaced:
            return "replaced by other files; kept for readers that have it open", _REMOVED_BY_WRITER
        if is_orphan:
            return _UNEXPLAINED, _REBUILD
        reason = "its writer died before its rows were stored, or it was quarantined"
        return reason, _REMOVED_BY_WRITER
