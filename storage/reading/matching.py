"""Which stored rows a user means: by study, by sweep, by a condition in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from storage.errors import QueryError, UnknownSelection
from storage.reading.literals import sql_text, sql_tuple
from storage.reading.reader import StoreReader


def matching_rows(
    reader: StoreReader,
    studies: Sequence[str] = (),
    sweep_id: str | None = None,
    condition: str | None = None,
) -> pa.Table:
    """The rows that every given criterion holds for.

    Args:
        reader: of the store.
        studies: names, as in the column `study`; any of them.
        sweep_id: of the sweep that made them.
        condition: of SQL, on the columns of `results`; it can do nothing but read.

    Returns:
        The columns experiment_id, study, sweep_id and status.

    Raises:
        UnknownSelection: the store has no such study or sweep.
        QueryError: the condition is not one.
        ReadOnlyError: it would do something else than read the results.
    """
    criteria = ["true"]
    if studies:
        known = sorted({study.name for study in reader.progress().studies.values()})
        for name in studies:
            if name not in known:
                raise UnknownSelection(
                    f"{reader.paths.root} has no rows of a study {name!r}; it has rows of "
                    f"{', '.join(known) or 'none'}."
                )
        criteria.append(f"study IN {sql_tuple(studies)}")
    if sweep_id is not None:
        if sweep_id not in {sweep.begin.sweep_id for sweep in reader.progress().sweeps}:
            raise UnknownSelection(
                f'{reader.paths.root} has no sweep {sweep_id!r}. `sparsest query "SELECT sweep_id, '
                f'command FROM sweeps" --store {reader.paths.root}` lists them.'
            )
        criteria.append(f"sweep_id = {sql_text(sweep_id)}")
    if condition is not None:
        _check_is_one(condition)
        # On lines of its own: it may end in a comment.
        criteria.append(f"(\n{condition}\n)")
    return reader.sql(
        "SELECT experiment_id, study, sweep_id, status FROM results WHERE " + " AND ".join(criteria)
    )


def _check_is_one(condition: str) -> None:
    """Passes where a text is one expression: no statement behind it, no bracket closed too early.

    Raises:
        QueryError: it is something else.
    """
    try:
        # Between these brackets, where a round one has none to close.
        statements = duckdb.extract_statements(f"SELECT [\n{condition}\n]")
    except duckdb.Error as error:
        raise QueryError(f"Not a condition: {condition}\n{error}") from error
    if len(statements) != 1:
        raise QueryError(f"Not a condition but several statements: {condition}")
