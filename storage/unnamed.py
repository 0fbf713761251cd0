"""Files of a store that no log entry names: leftovers of commits, and orphans.

A process that died during a commit leaves files that the next writer removes. Data files whose log
entries were lost look almost the same, but hold rows that were reported as stored. `paths.tmp`
tells them apart: a data file keeps a name there until its log entry is published.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from storage.paths import StorePaths, entry_number, is_part


class FolderListing:
    """The data files (`parts`) and temporary files of a store at one moment.

    List them before the log is read: what is published meanwhile is then in the log.

    Raises:
        OSError: a folder cannot be listed.
    """

    def __init__(self, paths: StorePaths) -> None:
        self._paths = paths
        # In this order: a file that is being committed has its temporary name longer.
        self.parts = [file for file in _files_in(paths.data) if is_part(file.name)]
        self.temporaries = [file for file in _files_in(paths.tmp) if not file.is_dir()]

    def leftovers(self, named: Collection[str], orphans: Collection[Path]) -> list[Path]:
        """Return the files that have no meaning any more."""
        kept = {*named, *(orphan.name for orphan in orphans)}
        return [*self.temporaries, *(part for part in self.parts if part.name not in kept)]

    def orphans(self, ever_named: Collection[str]) -> list[Path]:
        """Return the data files that neither the log nor a killed commit accounts for.

        Files that are already in the quarantine are not among them.
        """
        known = {*ever_named, *(file.name for file in self.temporaries)}
        return [part for part in self.parts if part.name not in known and not self._is_kept(part)]

    def _is_kept(self, part: Path) -> bool:
        try:
            return os.path.samefile(part, self._paths.quarantine / part.name)
        except OSError:
            return False


def has_entries(paths: StorePaths) -> bool:
    """Return whether the log has any entry; raise OSError if the folder cannot be listed."""
    return any(entry_number(file.name) is not None for file in _files_in(paths.log))


def has_lost_its_log(paths: StorePaths) -> bool:
    """Return whether there are data files, but no log; raises OSError as `has_entries` does."""
    if has_entries(paths) or not FolderListing(paths).orphans(()):
        return False
    # The first entry may have been published between the two checks.
    return not has_entries(paths)


def _files_in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
