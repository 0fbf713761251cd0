"""Finding one result by its experiment id, or the first digits of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from storage.errors import UnknownExperiment

_ID_DIGITS = 32
_ID_PREFIX = re.compile(rf"[0-9a-f]{{4,{_ID_DIGITS}}}")


def find_row(sql: Callable[[str], pa.Table], experiment_id: str) -> dict[str, Any]:
    """The result of one experiment: column of `results` -> value.

    Args:
        sql: answers a query over the view `results`.
        experiment_id: 32 hexadecimal digits, or the first ones, from 4 on, if no other
            experiment begins with them.

    Raises:
        UnknownExperiment: no experiment, or more than one, begins with them.
    """
    prefix = experiment_id.lower()
    if not _ID_PREFIX.fullmatch(prefix):
        raise UnknownExperiment(
            f"{experiment_id!r} is no experiment id: give 32 hexadecimal digits, or the first "
            "4 or more."
        )
    # A range, not a prefix test: DuckDB can skip files by the smallest and largest id.
    first, last = prefix.ljust(_ID_DIGITS, "0"), prefix.ljust(_ID_DIGITS, "f")
    rows = sql(
        f"SELECT * FROM results WHERE experiment_id BETWEEN '{first}' AND '{last}' LIMIT 2"
    ).to_pylist()
    if not rows:
        raise UnknownExperiment(f"No stored experiment has an id that begins with {prefix}.")
    if len(rows) > 1:
        raise UnknownExperiment(
            f"Several stored experiments have an id that begins with {prefix}: give more digits."
        )
    found: dict[str, Any] = rows[0]
    return found
