"""The commands `studies` and `list`: which studies exist and what is in them."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from orchestrator.commands.options import AsJson, Where, argument
from orchestrator.display.terminal import print_line, print_paragraph
from search.catalogue import STUDY_NAMES, resolve
from search.methods import training_epochs
from search.structure import Structure
from search.study import Study
from search.tsv import tsv_lines

_DESCRIPTIONS = {
    "paper": "all ten studies",
    "demo": "a sample of phase1, phase2-95 and phase2-995; its rows count for them",
}


def studies(as_json: AsJson = False) -> None:
    """List the studies with their sizes and the authors' RUN_IDs."""
    records = [_study_record(name) for name in STUDY_NAMES]
    if as_json:
        print(json.dumps(records))
        return
    for record in records:
        run_ids = record["run_ids"]
        group = f"  {record['paper_group']}: {run_ids[0]:,} to {run_ids[1]:,}" if run_ids else ""
        print_line(f"{record['study']:<15}  {record['experiments']:>7,}{group}")
        print_paragraph(record["description"], indent="    ")
    print_line("\nColumns: study, experiments, and its RUN_IDs in the authors' group.")


def _study_record(name: str) -> dict[str, Any]:
    """Return what `studies --json` prints about a study or a group of studies."""
    selections = resolve(name)
    study = selections[0].study
    single = len(selections) == 1
    run_ids = [study.paper_run_id(0), study.paper_run_id(len(study) - 1)]
    return {
        "study": name,
        "experiments": sum(len(selection.indices) for selection in selections),
        "paper_group": study.paper_group if single else None,
        "run_ids": run_ids if single and study.paper_group is not None else None,
        "description": study.description if single else _DESCRIPTIONS[name],
        "methods": sorted(
            set().union(*(selection.study.values("method") for selection in selections))
        ),
    }


def list_experiments(
    study: Annotated[str, argument("STUDY|FILE.toml", "Study or sweep file to list.")],
    where: Where = None,
    tsv: Annotated[
        bool, typer.Option("--tsv", help="Tab-separated lines (the default).", show_default=False)
    ] = True,
    as_json: AsJson = False,
) -> None:
    """List the experiments of a study, one per line.

    Columns: GROUP:RUN_ID (or NAME:NUMBER), method, width, learning rate, schedule, epochs of all
    rounds, target, structure, masks and, if any are set, hyperparameters; "-" means
    none. With --json, each line is an object that also has the experiment_id.
    """
    # Imported here: `studies` does without.
    from orchestrator.planning.targets import chosen_targets, left_out

    targets = chosen_targets([study], 0, where=where)
    print_line(*left_out(targets), err=True)
    for selection in targets:
        lines = (
            (json.dumps(_record(selection.study, index)) for index in selection.indices)
            if as_json
            else tsv_lines(selection.study, selection.indices)
        )
        sys.stdout.writelines(line + "\n" for line in lines)


def _record(study: Study, index: int) -> dict[str, Any]:
    """Return what `list --json` prints about an experiment."""
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
        "target_accuracy": experiment.target_accuracy,
        "hyperparameters": dict(experiment.hyperparameters) or None,
        "init_scheme": experiment.init_scheme,
        "structure": None if structure is None else str(Structure(structure)),
        "masks": experiment.masks,
    }
