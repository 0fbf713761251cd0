"""The results that a command reads: those of a store, or the published ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from search.cache_folder import cache_folder
from search.paper import PAPER_STUDIES
from search.project import PROJECT_STUDIES
from storage.paths import published_folder
from storage.published.reader import PublishedReader
from storage.reading.reader import StoreReader
from storage.results_reader import ResultsReader


def studies_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the paper's studies, and those of the project that are in names like exchange:713."""
    named = {name.partition(":")[0] for name in names}
    return (*PAPER_STUDIES, *(study for study in PROJECT_STUDIES if study in named))


def results_reader(
    store: Path | None, published: bool, studies: Collection[str] = PAPER_STUDIES
) -> ResultsReader:
    """Return the reader for the options --store and --published, of some studies if published.

    Raises:
        UserError: both options are set, or neither.
        StoreError: the results cannot be read.
    """
    if published and store is not None:
        raise UserError("--store and --published exclude each other: omit one")
    if store is not None:
        return StoreReader(store)
    if not published:
        raise UserError(
            "which results? Add --store D, or --published for those published with the repository"
        )
    reader = PublishedReader(published_folder(), cache_folder(), studies)
    if reader.unprepared:
        print_line(
            f"computing the columns of {reader.unprepared:,} published rows from their RUN_IDs; "
            "they are kept for the next time",
            err=True,
        )
    return reader
