"""Times of calls, and tables as Markdown, which can be pasted into the documentation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Value = TypeVar("Value")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def timed(work: Callable[[], Value]) -> tuple[Value, float]:
    """Return the value of a call, and its processor time in seconds."""
    start = time.process_time()
    value = work()
    return value, time.process_time() - start
