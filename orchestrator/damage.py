"""Before training: data files that are not what was written leave the store."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console

from orchestrator.run_log import log_beside
from orchestrator.show import counted
from storage.paths import StorePaths
from storage.writer import StoreWriter

logger = logging.getLogger(__name__)


def set_damaged_aside(store: Path, command: str, console: Console) -> None:
    """Checks every byte of the data files of a store, if there is one, and says what it finds.

    Damaged files are set aside, so that their experiments are no longer stored and can be trained.

    Args:
        store: its folder.
        command: the command line.
        console: where to tell.

    Raises:
        StoreError: the store cannot be used.
        UserError: the log file cannot be written.
    """
    if not StorePaths.of(store).marker.exists():
        return
    with StoreWriter(store, command=command) as writer, log_beside(writer.paths):
        for gone in writer.set_damaged_aside():
            said = (
                f"damaged: a data file {gone.problem}. It is kept as {gone.file}; its "
                f"{counted(gone.rows, 'row')} are no longer stored, and their experiments are "
                "trained again when they are asked for"
            )
            console.print(said, soft_wrap=True)
            logger.warning("%s", said)
