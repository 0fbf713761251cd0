"""Finding one result by its experiment id, the first digits of it, or its number in its study."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from storage.errors import UnknownExperiment

_ID_DIGITS = 32
_ID_PREFIX = re.compile(rf"[0-9a-f]{{4,{_ID_DIGITS}}}")


_LABEL = re.compile(r"(?P<name>[\w.-]+):(?P<number>[0-9]{1,18})")


def find_row(sql: Callable[[str], pa.Table], name: str) -> dict[str, Any]:
    """The result of one experiment: column of `results` -> value.

    Args:
        sql: answers a query over the view `results`.
        name: 32 hexadecimal digits, or the first ones, from 4 on, if no other experiment begins
            with them; or GROUP:RUN_ID of the paper, or SWEEP:NUMBER as `sparsest list` shows it,
            if only one result has that number.

    Raises:
        UnknownExperiment: no experiment, or more than one, is called that.
    """
    label, prefix = _LABEL.fullmatch(name), name.lower()
    if label is not None:
        group, number = label["name"], int(label["number"])
        condition = (
            f"(paper_group = '{group}' AND paper_run_id = {number}) OR "
            f"(paper_group IS NULL AND study = '{group}' AND study_index = {number - 1})"
        )
        nobody, advice = f"has the number {name}", "name one by its experiment_id"
    elif _ID_PREFIX.fullmatch(prefix):
        # A range, not a prefix test: DuckDB can skip files by the smallest and largest id.
        first, last = prefix.ljust(_ID_DIGITS, "0"), prefix.ljust(_ID_DIGITS, "f")
        condition = f"experiment_id BETWEEN '{first}' AND '{last}'"
        nobody, advice = f"has an id that begins with {prefix}", "give more digits"
    else:
        raise UnknownExperiment(
            f"{name!r} names no experiment: give 32 hexadecimal digits of its id, or the first 4 "
            "or more, or its number, such as random:43531."
        )
    rows = sql(f"SELECT * FROM results WHERE {condition} LIMIT 2").to_pylist()
    if not rows:
        raise UnknownExperiment(f"No stored experiment {nobody}.")
    if len(rows) > 1:
        raise UnknownExperiment(
            f"Several stored experiments {nobody.replace('has', 'have', 1)}: {advice}."
        )
    found: dict[str, Any] = rows[0]
    return found
