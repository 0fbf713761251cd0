"""The command that publishes results of the paper's studies."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

from orchestrator.commands.options import RootSeed, StorePath, argument, flag, option
from orchestrator.display.formatting import human_bytes
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.planning.targets import find_targets, with_inits
from search.catalogue import named_study
from search.paper import PAPER_STUDIES
from storage.paths import published_folder
from storage.published.publish import publish_study
from storage.reading.reader import StoreReader


def publish(
    store: StorePath,
    words: Annotated[
        list[str] | None,
        argument(
            "STUDY", "Studies to publish [default: those of the paper with rows in the store]"
        ),
    ] = None,
    output: Annotated[
        Path | None, option("D", "Folder to write to [default: that of --published]")
    ] = None,
    root_seed: RootSeed = 0,
    overwrite: Annotated[
        bool, flag("--overwrite", "Replace files even if they have rows that the store lacks.")
    ] = False,
) -> None:
    """Write the results of the paper's or the project's studies as small files for a repository.

    Each study becomes one Parquet file without weights. Columns that follow from the number are
    left out, and computed when the file is read (`query --published`, `run --from-published`). A
    study that is incomplete is published as far as it is stored.
    """
    folder = output or published_folder()
    with StoreReader(store) as reader:
        inits = reader.state.inits
        targets = with_inits(find_targets(words or PAPER_STUDIES, root_seed), inits)
        if any(named_study(s.study.name) is None for s in targets):
            raise UserError(
                "only the studies that `sparsest studies` lists can be published: the rows of a "
                "sweep file do not follow from their numbers. Copy them with `sparsest export "
                f"--store {quote(str(store))}`"
            )
        studies = [s.study for s in targets]
        if not words:
            studies = [study for study in studies if reader.stored(study.digest)]
            if not studies:
                raise UserError(
                    f"{store} has no rows of the paper's studies with the root seed {root_seed}"
                )
        networks = {init.token: init.found for init in inits.values()}
        total = 0
        for study in studies:
            published = publish_study(reader, study, folder, networks, overwrite=overwrite)
            total += published.bytes
            share = "" if published.rows == len(study) else f" of {len(study):,}"
            print_line(
                f"{published.path}: {published.rows:,}{share} rows, {human_bytes(published.bytes)}"
            )
    print_line(f"{len(studies)} files, {human_bytes(total)}")
