"""Reading the published results with the same two views as a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from search.paper import PAPER_STUDIES
from search.schema import SCHEMA_VERSION
from storage.errors import StoreError
from storage.log.init_entries import PublishedInit
from storage.log.state import SweepProgress
from storage.published.file import PublishedFile, all_published
from storage.published.restore import keep_restored, restored_path
from storage.reading.connections import SweepRows
from storage.reading.views import sweeps_table
from storage.results_reader import ResultsReader


class PublishedReader(ResultsReader):
    """The published results with all columns; those that follow from the RUN_ID are computed.

    Computing them takes a few seconds for the whole paper and happens once: the cache folder keeps
    the rows until a published file changes. Columns that are not published, such as the weights,
    are NULL.

    Args:
        folder: folder of the published files, such as `storage.paths.published_folder()`.
        cache: folder for files that can be made again at any time.
        studies: names of the studies, by default the paper's.

    Raises:
        NotPublished: the folder has no published results.
        PublishedDamaged: a file is not what `sparsest publish` writes.
        StoreVersion: a newer version of sparsest wrote a file.
    """

    def __init__(self, folder: Path, cache: Path, studies: Iterable[str] = PAPER_STUDIES) -> None:
        super().__init__()
        self.files: Sequence[PublishedFile] = all_published(folder, studies)
        self._folder = folder
        self._cache = cache

    def _stored_init(self, token: str) -> PublishedInit | None:
        inits = {init.token: init for file in self.files for init in file.note.inits}
        return inits.get(token)

    @property
    def unprepared(self) -> int:
        """Number of rows whose columns the first query has to compute."""
        missing = (f for f in self.files if not restored_path(f, self._cache).exists())
        return sum(file.note.rows for file in missing)

    def rows_by_study(self) -> dict[str, int]:
        """Return the number of published rows of each study, by name."""
        return {file.note.study: file.note.rows for file in self.files}

    def data_files(self) -> dict[int, list[Path]]:
        """Return the Parquet files with all columns, by schema version; make missing ones."""
        return {SCHEMA_VERSION: [keep_restored(file, self._cache) for file in self.files]}

    def _sweeps(self) -> SweepRows:
        """Return the sweeps that made the published rows; they count these rows only."""
        sweeps: dict[str, SweepProgress] = {}
        for file in self.files:
            for published in file.note.sweeps:
                begin, end = published.begin, published.end
                sweeps.setdefault(begin.sweep_id, SweepProgress(begin, end)).add(published)
        return sweeps_table(sweeps.values())

    def _cannot_open(self, error: duckdb.Error) -> StoreError:
        return StoreError(
            f"Could not read the published results of {self._folder} from the cache in "
            f"{self._cache}: {error}. Remove its folder `published` and try again."
        )
