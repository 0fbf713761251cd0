"""The two views that a query sees: `results` and `sweeps`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from search.columns import COLUMNS
from storage.log.state import SweepProgress

_EXPRESSIONS = {
    f"d{layer}": f"TRY_CAST(split_part(structure, 'x', {layer}) AS INTEGER)" for layer in (1, 2, 3)
} | {f"mask{layer}": f"masks[{layer}]" for layer in (1, 2, 3)}
"""SQL of the columns that only the view has."""

_SWEEP_SCHEMA = pa.schema(
    [
        pa.field("sweep_id", pa.string()),
        pa.field("command", pa.string()),
        pa.field("studies", pa.list_(pa.string())),
        pa.field("sweep_files", pa.map_(pa.string(), pa.string())),  # name -> SHA-256
        pa.field("versions", pa.map_(pa.string(), pa.string())),  # package -> version
        pa.field("git_commit", pa.string()),
        pa.field("host", pa.string()),
        pa.field("processor", pa.string()),
        pa.field("device", pa.string()),
        pa.field("workers", pa.int32()),
        pa.field("root_seed", pa.int64()),
        pa.field("started", pa.string()),  # becomes TIMESTAMP, in UTC
        pa.field("ended", pa.string()),  # likewise; NULL while the sweep runs, or if it was killed
        pa.field("outcome", pa.string()),
        pa.field("stored", pa.int64()),  # counted by the sweep when it ended
        pa.field("skipped", pa.int64()),
        pa.field("ok", pa.int64()),
        pa.field("collapsed", pa.int64()),
        pa.field("diverged", pa.int64()),
        pa.field("failed", pa.int64()),
        pa.field("core_seconds", pa.float64()),
        pa.field("train_seconds", pa.float64()),
        pa.field("wall_seconds", pa.float64()),
        pa.field("rows_logged", pa.int64()),  # counted from the log
    ]
)


def results_query(source: str) -> str:
    """Return the SQL of `results` over a table expression with `RESULT_SCHEMA`'s columns."""
    columns = [
        f"{_EXPRESSIONS[column.name]} AS {column.name}" if column.role == "view" else column.name
        for column in COLUMNS
    ]
    return f"SELECT {', '.join(columns)} FROM {source}"


def sweeps_query(source: str) -> str:
    """Return the SQL of `sweeps` over the table that `sweeps_table` makes."""
    times = ", ".join(
        f"try_strptime({name}, '%Y-%m-%dT%H:%M:%SZ') AS {name}" for name in ("started", "ended")
    )
    return f"SELECT * REPLACE ({times}) FROM {source}"


def with_missing_columns(sources: Sequence[str], types: Mapping[str, str]) -> str:
    """Return an SQL table expression for the union of several; absent columns are NULL.

    Args:
        sources: Table expressions, each with some of the columns.
        types: Column name -> SQL type.
    """
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in types.items())
    selections = [f"SELECT {columns} WHERE false", *(f"SELECT * FROM {s}" for s in sources)]
    return f"({' UNION ALL BY NAME '.join(selections)})"


def sweeps_table(sweeps: Iterable[SweepProgress]) -> pa.Table:
    """Return a table with one row per sweep, in the given order."""
    rows = [_sweep_row(sweep) for sweep in sweeps]
    return pa.Table.from_pylist(rows, schema=_SWEEP_SCHEMA)


def _sweep_row(sweep: SweepProgress) -> dict[str, object]:
    begin, end = sweep.begin, sweep.end
    return {
        "sweep_id": begin.sweep_id,
        "command": begin.command,
        "studies": begin.studies,
        "sweep_files": begin.sweep_files,
        "versions": begin.versions,
        "git_commit": begin.commit,
        "host": begin.host,
        "processor": begin.processor,
        "device": begin.device,
        "workers": begin.workers,
        "root_seed": begin.root_seed,
        "started": begin.started,
        "ended": end and end.ended,
        "outcome": end and end.outcome,
        "stored": end and end.stored,
        "skipped": end and end.skipped,
        **{str(status): count for status, count in sweep.by_status.items()},
        "core_seconds": end and end.core_seconds,
        "train_seconds": sweep.train_seconds,
        "wall_seconds": end and end.wall_seconds,
        "rows_logged": sweep.rows,
    }
