"""Before training: damaged files leave the store, so that their experiments are trained again."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console

from orchestrator.display.formatting import counted
from orchestrator.run_log import log_beside
from storage.checking.repair import repair_log
from storage.errors import EntryDamaged
from storage.paths import StorePaths
from storage.writing.committer import quarantined_orphans
from storage.writing.editor import StoreEditor

logger = logging.getLogger(__name__)


def quarantine_damaged(store: Path, command: str, console: Console) -> None:
    """Check every byte of a store, if there is one; quarantine and report what is damaged.

    Data files that no log entry accounts for go to the quarantine too.

    Args:
        store: folder of the store.
        command: the command line.
        console: console for the report.

    Raises:
        StoreError: the store cannot be used.
        UserError: the log file cannot be written.
    """
    paths = StorePaths.of(store)
    # The writer of a working copy fetches damaged files again.
    if not paths.marker.exists() or paths.origin.exists():
        return
    try:
        report = _quarantine_files(store, command)
    except EntryDamaged:
        report = [
            f"damaged: the log entry {lost.file}: {lost.problem}. It is kept as {lost.kept}; rows "
            "that only it named are no longer stored"
            for lost in repair_log(paths, command)
        ]
        report += _quarantine_files(store, command)
    if not report:
        return
    with log_beside(paths):
        for line in report:
            console.print(line, soft_wrap=True)
            logger.warning("%s", line)


def _quarantine_files(store: Path, command: str) -> list[str]:
    """Quarantine damaged and unexplained data files; return a line about each."""
    with StoreEditor(store, command=command) as editor:
        report = [
            f"damaged: a data file {gone.problem}. It is kept as {gone.file}; its "
            f"{counted(gone.rows, 'row')} are no longer stored"
            for gone in editor.quarantine_damaged()
        ]
        orphans = editor.quarantine_orphans()
        if orphans:
            report.append(quarantined_orphans(editor.paths, len(orphans)))
        return report
