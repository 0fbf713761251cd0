"""Files in the folder of a store that do not belong to what is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from storage.checking.problem import Problem
from storage.errors import StoreError
from storage.paths import StorePaths, is_part

_REMOVED_BY_ITSELF = "nothing: the next process that writes to the store removes it"
_MOVE_AWAY = "nothing reads it: move it away"
_REMOVE = "nothing reads them: remove the folder when nobody wants them any more"


def list_store(paths: StorePaths) -> list[Path]:
    """All files and folders at the top of a store, and in its folders of data and of temporaries.

    Raises:
        StoreError: a folder cannot be listed.
    """
    found: list[Path] = []
    for folder in (paths.root, paths.data, paths.tmp):
        try:
            found += folder.iterdir()
        except FileNotFoundError:
            continue  # the marker and the log tell what is missing
        except OSError as error:
            raise StoreError(f"Could not list {folder}: {error.strerror}.") from error
    return sorted(found)


def find_leftovers(
    paths: StorePaths, listed: list[Path], named: Collection[str], replaced: Collection[str]
) -> Iterator[Problem]:
    """Yields what nothing needs. Only where nobody writes: what is being written looks the same.

    Args:
        paths: of the store.
        listed: by `list_store`, before the log was read.
        named: data files that are part of the store.
        replaced: data files that were, once.
    """
    for_watchers = {paths.live, paths.planned}
    own = {paths.marker, paths.lock, paths.origin, *for_watchers, *paths.folders}
    for file in listed:
        if file.parent == paths.tmp:
            yield Problem(str(file), "half-written by a process that died", _REMOVED_BY_ITSELF)
        elif file == paths.quarantine:
            yield Problem(str(file), "holds files that were found damaged", _REMOVE)
        elif file.parent == paths.root:
            if file not in own:
                yield Problem(str(file), "not a file of a store", _MOVE_AWAY)
        elif not is_part(file.name):
            yield Problem(str(file), "not a data file", _MOVE_AWAY)
        elif file.name in replaced:
            problem = "replaced by others; kept for readers that had opened it"
            yield Problem(str(file), problem, _REMOVED_BY_ITSELF)
        elif file.name not in named:
            problem = "named by no log entry: its writer died before its rows were stored"
            yield Problem(str(file), problem, _REMOVED_BY_ITSELF)
