"""The command that merges the data files of a store."""

from __future__ import annotations

from orchestrator.commands.options import StorePath
from orchestrator.display.formatting import counted, human_bytes
from orchestrator.display.terminal import print_line
from orchestrator.invocation import command_line
from storage.writing.compact import compact_store


def compact(store: StorePath) -> None:
    """Merge the small data files of a store into few large, sorted ones; no row changes.

    Either all of them or none are replaced. Queries work meanwhile, give the same answers and
    become faster. The old files are deleted when a process next writes to the store.
    """
    compacted = compact_store(store, command=command_line())
    if not compacted.rows:
        print_line(f"nothing to do: {counted(compacted.files[0], 'file')}", err=True)
        return
    before, after = map(human_bytes, compacted.bytes)
    print_line(
        f"{counted(compacted.rows, 'row')} rewritten: {counted(compacted.files[0], 'file')} "
        f"({before}) before, {compacted.files[1]:,} ({after}) "
        "now; the next process that writes to the store deletes the old files",
        err=True,
    )
