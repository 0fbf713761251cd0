"""The command that publishes: results of the paper's studies for a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.options import RootSeed, StorePath
from orchestrator.display.formatting import human_bytes
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.inits import tokens
from orchestrator.planning.targets import find_targets, with_inits
from search.paper import PAPER_STUDIES
from storage.paths import published_folder
from storage.published.publish import publish_study
from storage.reading.reader import StoreReader


def publish(
    store: StorePath,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STUDY", help="Studies of the paper [default: all that have rows in the store]"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="D", help="Folder to write to [default: where --published reads]"),
    ] = None,
    root_seed: RootSeed = 0,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace files that have rows which the store has not."),
    ] = False,
) -> None:
    """Write the results of the paper's studies for a repository.

    One Parquet file a study, without weights. What follows from the RUN_ID is left out and computed
    again when the files are read (`query --published`, `run --from-published`). A study that is not
    complete is published as far as it is stored.
    """
    folder = output or published_folder()
    with StoreReader(store) as reader:
        targets = with_inits(find_targets(words or PAPER_STUDIES, root_seed), tokens(reader.inits))
        if any(s.study.paper_group is None for s in targets.selections):
            raise UserError(
                "only the paper's studies can be published: the rows of a sweep file do not follow "
                f"from a RUN_ID. `sparsest export --store {store}` copies all results"
            )
        studies = [s.study for s in targets.selections]
        if not words:
            studies = [study for study in studies if reader.stored(study.digest)]
            if not studies:
                raise UserError(
                    f"{store} has no rows of the paper's studies with the root seed {root_seed}"
                )
        found = {f"{name}:{init.digest}": init.found for name, init in reader.inits.items()}
        total = 0
        for study in studies:
            done = publish_study(reader, study, folder, found, overwrite=overwrite)
            total += done.bytes
            share = "" if done.rows == len(study) else f" of {len(study):,}"
            print_line(f"{done.path}: {done.rows:,}{share} rows, {human_bytes(done.bytes)}")
    print_line(f"{len(studies)} files, {human_bytes(total)}")
