"""The command that makes the data files of a store few."""

from __future__ import annotations

from orchestrator.commands.options import StorePath
from orchestrator.display.formatting import counted, human_bytes
from orchestrator.display.terminal import print_line
from orchestrator.invocation import command_line
from storage.writing.compact import compact_store


def compact(store: StorePath) -> None:
    """Put the small data files of a store together, sorted; no row changes.

    All at once or not at all. Queries work meanwhile and give the same answers, faster. The old
    files stay on the disk until the next process writes to the store.
    """
    done = compact_store(store, command=command_line())
    if not done.rows:
        print_line(f"nothing to do: {counted(done.files[0], 'file')}", err=True)
        return
    print_line(
        f"{counted(done.rows, 'row')} written anew: {counted(done.files[0], 'file')} "
        f"({human_bytes(done.bytes[0])}) before, {done.files[1]:,} ({human_bytes(done.bytes[1])}) "
        "now; the next process that writes to the store frees the room of the old ones",
        err=True,
    )
