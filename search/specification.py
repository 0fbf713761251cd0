"""The columns of a result that the experiment determines, without training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from search.columns import names_of
from search.experiment import Experiment, experiment_ids
from search.schema import RESULT_SCHEMA
from search.structure import Structure
from search.study import Study

SPECIFICATION_COLUMNS = names_of("id", "position", "specification")
"""Columns that a study and an index in it determine, in the order of `RESULT_SCHEMA`."""


def specification_row(experiment: Experiment) -> dict[str, Any]:
    """Return the columns of a row that the experiment determines."""
    spec = experiment.specification()
    row = {name: column_value(name, value) for name, value in spec.items()}
    return row | {"experiment_id": experiment.experiment_id}


def label_of(row: Mapping[str, Any]) -> str:
    """Return GROUP:RUN_ID for a row of the paper, SWEEP:NUMBER for any other row."""
    if row["paper_run_id"] is None:
        return f"{row['study']}:{row['study_index'] + 1}"
    return f"{row['paper_group']}:{row['paper_run_id']}"


def column_value(field: str, value: Any) -> Any:
    """Return the value of a field of `Experiment` in the column of that name."""
    if field == "structure":
        return None if value is None else str(Structure(value))
    if field == "masks":
        return list(value) or None
    if field == "hyperparameters":
        return json.dumps(dict(value), sort_keys=True) if value else None
    if field == "pair":
        return value or None
    return value


def experiment_of(row: Mapping[str, Any]) -> Experiment:
    """Return the experiment of a stored row, the inverse of `specification_row`.

    A KeyError if a column is missing.
    """
    spec = {name: row[name] for name in Experiment().specification()}
    structure, settings = spec["structure"], spec["hyperparameters"]
    spec["structure"] = structure and Structure.parse(structure)
    spec["masks"] = tuple(spec["masks"] or ())
    spec["pair"] = bool(spec["pair"])
    spec["hyperparameters"] = tuple(sorted(json.loads(settings).items())) if settings else ()
    return Experiment(**spec)


def specification_table(study: Study, indices: Sequence[int]) -> pa.Table:
    """Return the `SPECIFICATION_COLUMNS` of some experiments of a study, in the given order."""
    updates = [study.updates(index) for index in indices]
    varying = {name for update in updates for name in update}
    columns: dict[str, list[Any]] = {
        "experiment_id": experiment_ids(study.base_fields, updates),
        "study_index": list(indices),
        "paper_group": [study.paper_group] * len(indices),
        "paper_run_id": [study.paper_run_id(index) for index in indices],
    }
    for name, value in study.base_fields.items():
        if name in varying:
            columns[name] = [column_value(name, update.get(name, value)) for update in updates]
        else:
            columns[name] = [column_value(name, value)] * len(indices)
    schema = pa.schema([RESULT_SCHEMA.field(name) for name in SPECIFICATION_COLUMNS])
    return pa.table(columns, schema=schema)
