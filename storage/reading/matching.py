"""Selecting stored rows by study, sweep and SQL condition, and experiments by condition."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

import duckdb
import pyarrow as pa

from storage.errors import QueryError, UnknownSelection
from storage.reading.connections import connect_table
from storage.reading.literals import sql_text, sql_tuple
from storage.reading.query import run_query
from storage.reading.reader import StoreReader
from storage.reading.views import VIEW_EXPRESSIONS


def matching_rows(
    reader: StoreReader,
    studies: Sequence[str] = (),
    sweep_id: str | None = None,
    condition: str | None = None,
) -> pa.Table:
    """Return experiment_id, study, sweep_id and status of the rows that meet all given criteria.

    Raises:
        UnknownSelection: the store has no such study or sweep.
        QueryError: the text is not a condition.
        ReadOnlyError: the condition would do more than read.
    """
    criteria = ["true"]
    if studies:
        known = sorted({study.name for study in reader.state.studies.values()})
        for name in studies:
            if name not in known:
                raise UnknownSelection(
                    f"{reader.paths.root} has no rows of the study {name!r}; its studies are: "
                    f"{', '.join(known) or 'none'}."
                )
        criteria.append(f"study IN {sql_tuple(studies)}")
    if sweep_id is not None:
        if sweep_id not in {sweep.begin.sweep_id for sweep in reader.state.sweeps.values()}:
            raise UnknownSelection(
                f'{reader.paths.root} has no sweep {sweep_id!r}. `sparsest query "SELECT sweep_id, '
                f'command FROM sweeps" --store {quote(str(reader.paths.root))}` lists them.'
            )
        criteria.append(f"sweep_id = {sql_text(sweep_id)}")
    if condition is not None:
        criteria.append(_criterion(condition))
    return reader.sql(
        "SELECT experiment_id, study, sweep_id, status FROM results WHERE " + " AND ".join(criteria)
    )


def matching_experiments(experiments: pa.Table, condition: str) -> list[int]:
    """Return the study_index of the experiments for which a condition is true.

    The table has the columns `search.specification.SPECIFICATION_COLUMNS`; the condition may also
    use the columns that only the view `results` has. Errors as for `matching_rows`.
    """
    of_view = ", ".join(f"{sql} AS {name}" for name, sql in VIEW_EXPRESSIONS.items())
    source = f"(SELECT *, {of_view} FROM experiments)"
    query = f"SELECT study_index FROM {source} WHERE {_criterion(condition)}"
    with connect_table("experiments", experiments) as connection:
        indices: list[int] = run_query(connection, query).column(0).to_pylist()
    return indices


def _criterion(condition: str) -> str:
    """Return a condition in brackets; QueryError unless it is one expression."""
    try:
        # In square brackets: a round one that closes too early is then an error.
        statements = duckdb.extract_statements(f"SELECT [\n{condition}\n]")
    except duckdb.Error as error:
        raise QueryError(f"Not a condition: {condition}\n{error}") from error
    if len(statements) != 1:
        raise QueryError(f"Not a condition, but several statements: {condition}")
    # On separate lines, because it may end in a comment.
    return f"(\n{condition}\n)"
