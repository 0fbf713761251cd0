"""Making the many data files of a store few."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.marker import check_marker
from storage.paths import StorePaths
from storage.writing.committer import Committer
from storage.writing.compacting import MAX_ROWS, files_to_compact, gathered


@dataclass(frozen=True)
class Compacted:
    """What compacting a store has done.

    Attributes:
        rows: that were written anew.
        files: data files of the store, before and after.
        bytes: of these files, before and after.
    """

    rows: int
    files: tuple[int, int]
    bytes: tuple[int, int]


def compact_store(path: str | Path, *, command: str, max_rows: int = MAX_ROWS) -> Compacted:
    """Puts the small data files of a store together, sorted by study and index.

    All of them at once, by one entry of the log: a process that dies before it is there has changed
    nothing. No row changes. The files that were put together stay in their folder until another
    process writes to the store (`storage.writing.committer`), so that whoever reads is not
    disturbed.

    Args:
        path: folder of the store.
        command: the command line.
        max_rows: of a new file.

    Raises:
        NotAStore: there is no store.
        StoreLocked: another process is writing to the store.
        StoreDamaged: the log or a file that is to be put together is not what was written.
        StoreVersion: a newer version of sparsest wrote the store.
        WriteFailed: an input/output error; the log knows which files count.
    """
    paths = StorePaths.of(path)
    check_marker(paths)  # the committer would make a store where there is none
    committer = Committer(paths, command)
    try:
        before = committer.state.parts
        chosen = files_to_compact(before, max_rows)
        if chosen:
            names = [part.file for part in chosen]
            committer.publish_replacement(command, names, gathered(paths, chosen, max_rows))
        after = committer.state.parts
    finally:
        committer.close()
    return Compacted(
        sum(part.rows for part in chosen),
        (len(before), len(after)),
        (sum(part.bytes for part in before), sum(part.bytes for part in after)),
    )
