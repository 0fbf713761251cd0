"""Times of calls, and tables as Markdown, which can be pasted into the documentation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")


def table(columns: Mapping[str, str] | Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table, given its titles, or its titles with formats such as ",.2f".

    Text is written as it is, whatever the format, and None as an empty cell.
    """
    formats = list(columns.values()) if isinstance(columns, Mapping) else [""] * len(columns)
    cells = [list(map(_cell, row, formats)) for row in rows]
    lines = [list(columns), ["---"] * len(columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any, spec: str) -> str:
    return "" if value is None else value if isinstance(value, str) else format(value, spec)


def timed(work: Callable[[], Value]) -> tuple[Value, float]:
    """Return the value of a call, and its processor time in seconds."""
    start = time.process_time()
    value = work()
    return value, time.process_time() - start
