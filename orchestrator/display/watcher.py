"""Repeated reading of a store while a sweep may be filling it."""

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
    """Summary of a store at the last refresh.

    Args:
        store: folder of the store, which need not exist yet.

    Attributes:
        reader: reader of the store; None while there is no store.
        best: fewest weights at each target.
        rows: number of stored rows.
        studies: records of `orchestrator.display.store_summary.stored_studies`.
        activity: activity on the store.
    """

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self.reader: StoreReader | None = None
        self.best = FewestWeights()
        self.rows = 0
        self.studies: list[dict[str, Any]] = []
        self.activity = Activity()

    def refresh(self) -> bool:
        """Read the store again and return whether it has changed.

        Raises:
            StoreError: the folder holds something else, or the store cannot be read.
        """
        changed = True
        if self.reader is None:
            try:
                self.reader = self.enter_context(StoreReader(self._store))
            except NotAStore:
                if _holds_something_else(StorePaths(self._store)):
                    raise
                return False
        else:
            changed = self.reader.refresh()
        if changed:
            self.best = fewest_weights(self.reader)
        self.rows = self.reader.state.rows
        self.studies = stored_studies(self.reader)
        self.activity = Activity.of(self.reader)
        return changed


def _holds_something_else(paths: StorePaths) -> bool:
    """Return whether a folder is neither a store nor a store that a writer is creating."""
    if not paths.root.is_dir():
        return paths.root.exists()
    created_first = {
        paths.lock.name,
        paths.marker.name,
        *(folder.name for folder in paths.folders),
    }
    return any(file.name not in created_first for file in paths.root.iterdir())
