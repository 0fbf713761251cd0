"""Selection of rows: one data set, one name per method and settings, the sparsest network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa

from storage.reading.literals import sql_text
from storage.results_reader import ResultsReader

_SETTINGS: Final = (
    "replace(regexp_replace(hyperparameters, '[{}\"]', '', 'g'), ': ', '=')",
    "'init_scheme=' || init_scheme",
)


def variant(*others: str) -> str:
    """Return SQL for the name of a method with its settings, such as "snip (batches=4)".

    Args:
        others: SQL for settings beside the hyperparameters and `init_scheme`; NULL leaves one out.
    """
    listed = ", ".join([*_SETTINGS, *others])
    return f"method || coalesce(' (' || nullif(concat_ws(', ', {listed}), '') || ')', '')"


VARIANT: Final = variant()
"""SQL for the name of a method with its hyperparameters and `init_scheme`."""

SPARSEST_FIRST = "weight_nnz, model_nnz, accuracy DESC, study, study_index, experiment_id"
"""SQL order of networks, the sparsest first, without ties."""

NETWORK: Final = "coalesce(structure, concat_ws('x', width, width, width))"
"""SQL for the hidden layers of the network that was trained or that pruning started from."""

MASK_WEIGHTS: Final = """list_sum([
    CASE WHEN layer <= len(masks) THEN len(replace(replace(masks[layer], '0', ''), '|', ''))
         ELSE layers[layer] * layers[layer + 1] END
    FOR layer IN range(1, len(layers)) IF masks IS NOT NULL])"""
"""SQL for the number of weights that an experiment's listed masks keep; NULL without masks."""


def choose_dataset(sql: Callable[[str], pa.Table], dataset: str | None, *, option: str) -> str:
    """Return the data set whose rows to use.

    `sql` runs a query over the view `results`; `option` selects a data set, for the message.

    Raises:
        ValueError: there are several data sets and none is chosen, none has this name, or there are
            no rows.
    """
    table = sql("SELECT DISTINCT dataset FROM results ORDER BY dataset")
    names: list[str] = table.column("dataset").to_pylist()
    if not names:
        raise ValueError("there are no rows yet")
    if dataset is None and len(names) > 1:
        raise ValueError(
            f"the rows are of several data sets, {', '.join(names)}, whose accuracies cannot be "
            f"compared: choose one ({option})"
        )
    if dataset is not None and dataset not in names:
        raise ValueError(f"there are no rows of {dataset}; there are rows of {', '.join(names)}")
    return dataset or names[0]


def check_accuracy(target: float) -> float:
    """Return a target accuracy; raise ValueError if it is not between 0 and 1."""
    if not 0 <= target <= 1:
        raise ValueError(f"target {target!r} is not an accuracy: 0 to 1 are allowed")
    return float(target)


def best_row(
    reader: ResultsReader,
    method: str,
    target: float,
    *,
    width: int | None = None,
    structure: str | None = None,
    study: str | None = None,
    dataset: str | None = None,
) -> dict[str, Any]:
    """Return the row with the fewest weights, then parameters, at or above an accuracy.

    Trainings from a stored initialisation count only if their study is named: the paper treats them
    separately.

    Args:
        reader: reader of a store or of the published results.
        method: "search" or a pruning algorithm.
        target: accuracy, 0 to 1.
        width: only networks pruned from three hidden layers of this width, or found in a full
            network of this width; None for any.
        structure: only networks of these hidden layers, such as "8x8", or pruned from them; None
            for any.
        study: only rows of this study; None for all rows from fresh initialisations.
        dataset: only rows of this data set; None if the matching rows have only one.

    Raises:
        LookupError: no row reaches the accuracy; the message names the highest one.
        ValueError: as for `choose_dataset`.
    """
    conditions = [f"method = {sql_text(method)}"]
    conditions.append("init = 'fresh'" if study is None else f"study = {sql_text(study)}")
    if width is not None:
        conditions.append(f"width = {width:d} AND (structure IS NULL OR method = 'search')")
    if structure is not None:
        conditions.append(f"{NETWORK} = {sql_text(structure)}")
    matching = f"FROM results WHERE {' AND '.join(conditions)} AND accuracy IS NOT NULL"
    (summary,) = reader.sql(f"SELECT count(*) AS n {matching}").to_pylist()
    description = f"{method}{'' if study is None else f' in {study}'}"
    description += "" if width is None else f" at width {width}"
    description += "" if structure is None else f" with structure {structure}"
    if not summary["n"]:
        raise LookupError(f"there are no networks by {description}")
    chosen = choose_dataset(
        lambda query: reader.sql(query.replace("FROM results", f"FROM (SELECT * {matching})")),
        dataset,
        option="--dataset NAME",
    )
    matching += f" AND dataset = {sql_text(chosen)}"
    rows: list[dict[str, Any]] = reader.sql(
        f"SELECT * {matching} AND accuracy >= {target!r} ORDER BY {SPARSEST_FIRST} LIMIT 1"
    ).to_pylist()
    if rows:
        return rows[0]
    (summary,) = reader.sql(f"SELECT count(*) AS n, max(accuracy) AS best {matching}").to_pylist()
    raise LookupError(
        f"none of the {summary['n']:,} networks by {description} reaches {100 * target:.10g} %; "
        f"the highest accuracy is {100 * summary['best']:.10g} %"
    )
