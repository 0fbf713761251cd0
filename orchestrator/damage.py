"""Before training: what is damaged leaves the store, and can be trained again."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console

from orchestrator.display.formatting import counted
from orchestrator.run_log import log_beside
from storage.checking.repair import repair_log
from storage.errors import EntryDamaged
from storage.paths import StorePaths
from storage.writing.editor import StoreEditor

logger = logging.getLogger(__name__)


def quarantine_damaged(store: Path, command: str, console: Console) -> None:
    """Checks every byte of a store, if there is one, and says what it finds.

    Damaged files are set aside, so that their experiments are no longer stored and can be trained.

    Args:
        store: its folder.
        command: the command line.
        console: where to tell.

    Raises:
        StoreError: the store cannot be used.
        UserError: the log file cannot be written.
    """
    paths = StorePaths.of(store)
    # The writer of a working copy fetches damaged files again.
    if not paths.marker.exists() or paths.origin.exists():
        return
    try:
        said = _quarantine_files(store, command)
    except EntryDamaged:
        said = [
            f"damaged: the log entry {lost.file}: {lost.problem}. It is kept as {lost.kept}; rows "
            "that it alone named are no longer stored"
            for lost in repair_log(paths, command)
        ]
        said += _quarantine_files(store, command)
    if not said:
        return
    with log_beside(paths):
        for line in said:
            console.print(line, soft_wrap=True)
            logger.warning("%s", line)


def _quarantine_files(store: Path, command: str) -> list[str]:
    """Takes damaged data files out of the store, and says which."""
    with StoreEditor(store, command=command) as editor:
        return [
            f"damaged: a data file {gone.problem}. It is kept as {gone.file}; its "
            f"{counted(gone.rows, 'row')} are no longer stored"
            for gone in editor.quarantine_damaged()
        ]
