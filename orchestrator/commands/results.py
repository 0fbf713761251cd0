"""Which results a command is about: a store's, or the published ones."""

from __future__ import annotations

from pathlib import Path

from orchestrator.display.terminal import plain_console
from orchestrator.errors import UserError
from storage.paths import published_folder
from storage.published.reader import PublishedReader
from storage.reading.reader import StoreReader
from storage.results_reader import ResultsReader
from workers.cache_folder import cache_folder


def results_reader(store: Path | None, published: bool) -> ResultsReader:
    """The reader that the options ask for.

    Args:
        store: folder of a store, or None.
        published: whether the published results are wanted.

    Raises:
        UserError: both are wanted, or neither.
        StoreError: they cannot be read.
    """
    if published and store is not None:
        raise UserError("--store and --published are two things to ask: leave one out")
    if store is not None:
        return StoreReader(store)
    if not published:
        raise UserError(
            "say what to ask: --store D for a store, --published for the results that come with "
            "the repository"
        )
    reader = PublishedReader(published_folder(), cache_folder())
    if reader.unprepared:
        plain_console(stderr=True).print(
            f"computing what follows from the RUN_IDs of {reader.unprepared:,} published rows; it "
            "is kept for the next time",
            soft_wrap=True,
        )
    return reader
