"""A store as it stands, looked at again and again while a sweep may fill it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from orchestrator.display.activity import Activity
from orchestrator.display.store_summary import FewestWeights, fewest_weights, stored_studies
from storage.errors import NotAStore
from storage.paths import StorePaths
from storage.reading.reader import StoreReader


class Watcher(ExitStack):
    """What was seen of a store at the last look.

    Args:
        store: its folder, which need not be there yet.

    Attributes:
        reader: of the store; None while there is none.
        best: the sparsest networks.
        rows: that are stored.
        studies: as `orchestrator.display.store_summary.stored_studies` gives them.
        activity: what happens to it.
    """

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self.reader: StoreReader | None = None
        self.best = FewestWeights()
        self.rows = 0
        self.studies: list[dict[str, Any]] = []
        self.activity = Activity()

    def look(self) -> bool:
        """Looks again; returns whether there is anything new in the store.

        Raises:
            StoreError: what is there is no store that can be read.
        """
        changed = True
        if self.reader is None:
            try:
                self.reader = self.enter_context(StoreReader(self._store))
            except NotAStore:
                if _is_something_else(StorePaths.of(self._store)):
                    raise
                return False
        else:
            changed = self.reader.refresh()
        if changed:
            self.best = fewest_weights(self.reader)
        progress = self.reader.progress()
        self.rows = progress.rows
        self.studies = stored_studies(self.reader, progress)
        self.activity = Activity.of(self.reader, progress)
        return changed


def _is_something_else(paths: StorePaths) -> bool:
    """Whether what is there is no store, and none that a writer is just making either."""
    if not paths.root.is_dir():
        return paths.root.exists()
    made_first = {paths.lock.name, paths.marker.name, *(folder.name for folder in paths.folders)}
    return any(file.name not in made_first for file in paths.root.iterdir())
