"""Commands that look at studies: what there is, and what is in them."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from orchestrator.commands.options import AsJson
from orchestrator.display.terminal import plain_console, print_line
from orchestrator.planning.targets import find_targets
from search.catalogue import STUDY_NAMES, resolve
from search.methods import training_epochs
from search.structure import Structure
from search.study import Study
from search.tsv import tsv_lines


def studies(as_json: AsJson = False) -> None:
    """List the studies, with their sizes and the authors' numbers."""
    rows: list[dict[str, Any]] = []
    for name in STUDY_NAMES:
        selections = resolve(name)
        study = selections[0].study
        single = len(selections) == 1
        methods = sorted(set().union(*(s.study.methods for s in selections)))
        rows.append(
            {
                "study": name,
                "experiments": sum(len(s.indices) for s in selections),
                "paper_group": study.paper_group if single else None,
                "run_ids": [study.paper_run_id(0), study.paper_run_id(len(study) - 1)]
                if single
                else None,
                "description": study.description if single else _DESCRIPTIONS[name],
                "methods": methods,
            }
        )
    if as_json:
        print(json.dumps(rows))
        return
    console = plain_console()
    for row in rows:
        ids = row["run_ids"]
        numbers = f"  {row['paper_group']}: {ids[0]:,} to {ids[1]:,}" if ids else ""
        console.print(f"{row['study']:<15}  {row['experiments']:>7,}{numbers}")
        console.print(Padding(Text(row["description"], "dim"), (0, 0, 0, 4), expand=False))
    console.print("\nNumbers: experiments, and the authors' RUN_IDs of the group.", soft_wrap=True)


_DESCRIPTIONS = {
    "paper": "all ten studies",
    "demo": "a slice of phase1, phase2-95 and phase2-995; its rows count for them",
}


def list_experiments(
    study: Annotated[str, typer.Argument(metavar="STUDY|FILE.toml", help="What to list.")],
    tsv: Annotated[
        bool, typer.Option("--tsv", help="Tab-separated lines (the default).", show_default=False)
    ] = True,
    as_json: AsJson = False,
) -> None:
    """List the experiments of a study, one a line.

    The columns are: GROUP:RUN_ID (or NAME:NUMBER), method, width, learning rate, schedule, epochs
    of all rounds, target_nnz, structure, the masks, and, where a sweep file has other ones than the
    authors', the hyperparameters; "-" stands for what there is not. With --json, every line is an
    object, which has the experiment's id as well.
    """
    targets = find_targets([study])
    for note in targets.left_out:
        print_line(note, err=True)
    for selection in targets.selections:
        lines = (
            (json.dumps(_record(selection.study, index)) for index in selection.indices)
            if as_json
            else tsv_lines(selection.study, selection.indices)
        )
        sys.stdout.writelines(line + "\n" for line in lines)


def _record(study: Study, index: int) -> dict[str, Any]:
    """An experiment as `list` has it, with values in place of text."""
    experiment = study[index]
    structure = experiment.structure
    return {
        "label": study.label(index),
        "experiment_id": experiment.experiment_id,
        "method": experiment.method,
        "width": experiment.width,
        "lr": experiment.lr,
        "schedule": experiment.schedule,
        "epochs": training_epochs(experiment),
        "target_nnz": experiment.target_nnz,
        "hyperparameters": dict(experiment.hyperparameters) or None,
        "structure": None if structure is None else str(Structure(structure)),
        "masks": experiment.masks,
    }
