"""The sparsest network of a method that reaches an accuracy."""

from __future__ import annotations

from typing import Any

from storage.results_reader import ResultsReader

COMES_FIRST = "weight_nnz, model_nnz, accuracy DESC, study, study_index, experiment_id"
"""The order of networks: the sparsest first, and never two at one place."""


def best_row(
    reader: ResultsReader,
    method: str,
    target: float,
    *,
    width: int | None = None,
    study: str | None = None,
) -> dict[str, Any]:
    """Of the rows at or above an accuracy the one with the fewest weights, then parameters.

    Trainings from a stored initialisation count only where their study is named: the paper tells
    them apart from those that begin afresh.

    Args:
        reader: of a store, or of the published results.
        method: "search", or a pruning algorithm.
        target: accuracy, 0 to 1.
        width: only networks that are this wide; None for any.
        study: only rows of this study; None for all that begin afresh.

    Returns:
        All columns of the row.

    Raises:
        LookupError: no such row reaches the accuracy; the message names the highest one.
    """
    conditions = [f"method = {_text(method)}"]
    conditions.append("init = 'fresh'" if study is None else f"study = {_text(study)}")
    if width is not None:
        conditions.append(f"width = {width:d}")
    among = f"FROM results WHERE {' AND '.join(conditions)} AND accuracy IS NOT NULL"
    rows: list[dict[str, Any]] = reader.sql(
        f"SELECT * {among} AND accuracy >= {target!r} ORDER BY {COMES_FIRST} LIMIT 1"
    ).to_pylist()
    if rows:
        return rows[0]
    (found,) = reader.sql(f"SELECT count(*) AS n, max(accuracy) AS best {among}").to_pylist()
    said = f"{method}{'' if study is None else f' in {study}'}"
    said += "" if width is None else f" at width {width}"
    if not found["n"]:
        raise LookupError(f"there are no networks by {said} here")
    raise LookupError(
        f"none of the {found['n']:,} networks by {said} reaches {target:.1%}; the best of them has "
        f"{found['best']:.2%}"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
