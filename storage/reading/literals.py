"""Values as SQL literals: quoted, so that no value can become part of a statement."""

from __future__ import annotations

from collections.abc import Iterable


def sql_text(value: object) -> str:
    """Return a value as an SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """Return a column name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def sql_tuple(values: Iterable[object]) -> str:
    """Return values as what follows IN; there must be at least one."""
    return f"({', '.join(map(sql_text, values))})"


def sql_list(values: Iterable[object]) -> str:
    """Return values as an SQL list of texts."""
    return f"[{', '.join(map(sql_text, values))}]"
