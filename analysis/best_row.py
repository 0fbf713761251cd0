"""The sparsest network of a method that reaches an accuracy."""

from __future__ import annotations

from typing import Any

from analysis.selection import NETWORK, choose_dataset
from storage.reading.literals import sql_text
from storage.results_reader import ResultsReader

SPARSEST_FIRST = "weight_nnz, model_nnz, accuracy DESC, study, study_index, experiment_id"
"""SQL order of networks, the sparsest first, without ties."""


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

    Trainings from a stored initialisation count only if their study is named: the paper treats
    them separately.

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

    Returns:
        All columns of the row.

    Raises:
        LookupError: no row reaches the accuracy; the message names the highest one.
        ValueError: the rows are of several data sets and none is chosen, or none has this name.
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
        f"none of the {summary['n']:,} networks by {description} reaches {target:.1%}; the highest "
        f"accuracy is {summary['best']:.2%}"
    )
