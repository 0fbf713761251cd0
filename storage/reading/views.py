"""The two views that a query sees: `results` and `sweeps`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from search.columns import COLUMNS
from storage.log.state import SweepProgress

SweepRows = Sequence[Mapping[str, object]]
"""Rows of `sweeps`, column -> value."""

VIEW_EXPRESSIONS = (
    {
        f"d{layer}": f"TRY_CAST(split_part(structure, 'x', {layer}) AS INTEGER)"
        for layer in (1, 2, 3)
    }
    | {f"mask{layer}": f"masks[{layer}]" for layer in (1, 2, 3)}
    | {"parent": "nullif(regexp_extract(init, '^row:([0-9a-f]{32})', 1), '')"}
)
"""SQL of the columns that only the view has."""

_SWEEP_TYPES: Final = {
    "sweep_id": "VARCHAR",
    "command": "VARCHAR",
    "studies": "VARCHAR[]",
    "sweep_files": "MAP(VARCHAR, VARCHAR)",  # name -> SHA-256
    "versions": "MAP(VARCHAR, VARCHAR)",  # package -> version
    "git_commit": "VARCHAR",
    "host": "VARCHAR",
    "processor": "VARCHAR",
    "device": "VARCHAR",
    "workers": "INTEGER",
    "root_seed": "BIGINT",
    "started": "VARCHAR",  # becomes TIMESTAMP, in UTC
    "ended": "VARCHAR",  # likewise; NULL while the sweep runs, or if it was killed
    "outcome": "VARCHAR",
    "stored": "BIGINT",  # counted by the sweep when it ended
    "skipped": "BIGINT",
    "ok": "BIGINT",
    "collapsed": "BIGINT",
    "diverged": "BIGINT",
    "failed": "BIGINT",
    "core_seconds": "DOUBLE",
    "train_seconds": "DOUBLE",
    "wall_seconds": "DOUBLE",
    "rows_logged": "BIGINT",  # counted from the log
}
"""Column of `sweeps` -> its SQL type."""


def results_query(source: str) -> str:
    """Return the SQL of `results` over a table expression with `RESULT_SCHEMA`'s columns."""
    columns = [
        f"{VIEW_EXPRESSIONS[column.name]} AS {column.name}"
        if column.role == "view"
        else column.name
        for column in COLUMNS
    ]
    return f"SELECT {', '.join(columns)} FROM {source}"


def sweeps_query() -> str:
    """Return the SQL of `sweeps` over its only parameter, the JSON text of `sweeps_table`'s rows.

    DuckDB imports pandas to read an Arrow table, which takes longer than most queries.
    """
    times = ", ".join(
        f"try_strptime({name}, '%Y-%m-%dT%H:%M:%SZ') AS {name}" for name in ("started", "ended")
    )
    rows = f"SELECT unnest(from_json(?, '{json.dumps([_SWEEP_TYPES])}')) AS row"
    return f"SELECT * REPLACE ({times}) FROM (SELECT unnest(row) FROM ({rows}))"


def sweeps_table(sweeps: Iterable[SweepProgress]) -> SweepRows:
    """Return one row per sweep, column -> value, in the given order."""
    # Keys that are no column, such as `kind`, are ignored; columns without a key are NULL.
    return [
        {
            **sweep.begin.model_dump(),
            "git_commit": sweep.begin.commit,
            **({} if sweep.end is None else sweep.end.model_dump()),
            **{str(status): count for status, count in sweep.by_status.items()},
            "train_seconds": sweep.train_seconds,
            "rows_logged": sweep.rows,
        }
        for sweep in sweeps
    ]
