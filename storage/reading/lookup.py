"""Finding one result by its experiment id, the first digits of it, or its number in its study."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from storage.errors import UnknownExperiment
from storage.reading.literals import sql_text

_ID_DIGITS = 32
_ID_PREFIX = re.compile(rf"[0-9a-f]{{4,{_ID_DIGITS}}}")
_LABEL = re.compile(r"(?P<name>[\w.-]+):(?P<number>[0-9]{1,18})")


def find_row(sql: Callable[[str], pa.Table], name: str) -> dict[str, Any]:
    """Return the result of one experiment: column of `results` -> value.

    Args:
        sql: function that runs a query over the view `results`.
        name: id of 32 hexadecimal digits, or its first digits (at least 4) if no other id starts
            with them. Or a number that only one result has: GROUP:RUN_ID of the paper, or
            SWEEP:NUMBER as in `sparsest list`.

    Raises:
        UnknownExperiment: no result has that name, or several have it.
    """
    label, prefix = _LABEL.fullmatch(name), name.lower()
    if label is not None:
        group, number = sql_text(label["name"]), int(label["number"])
        condition = (
            f"(paper_group = {group} AND paper_run_id = {number}) OR "
            f"(paper_group IS NULL AND study = {group} AND study_index = {number - 1})"
        )
        description, advice = f"with the number {name}", "use its experiment_id"
    elif _ID_PREFIX.fullmatch(prefix):
        # A range, not a prefix test: DuckDB can skip files by their smallest and largest id.
        first, last = prefix.ljust(_ID_DIGITS, "0"), prefix.ljust(_ID_DIGITS, "f")
        condition = f"experiment_id BETWEEN {sql_text(first)} AND {sql_text(last)}"
        description, advice = f"whose id starts with {prefix}", "give more digits"
    else:
        raise UnknownExperiment(
            f"{name!r} is not an experiment: give its id (32 hexadecimal digits, or at least the "
            "first 4), or its number, such as random:43531."
        )
    rows = sql(f"SELECT * FROM results WHERE {condition} LIMIT 2").to_pylist()
    if not rows:
        raise UnknownExperiment(f"No stored experiment {description}.")
    if len(rows) > 1:
        raise UnknownExperiment(f"Several stored experiments {description}: {advice}.")
    row: dict[str, Any] = rows[0]
    return row
