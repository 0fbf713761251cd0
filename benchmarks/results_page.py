"""Fills docs/results.md: its queries from analysis/findings.sql, its tables with the answers.

    python -m benchmarks.results_page            # from the published results, rewrites the page
    python -m benchmarks.results_page --check    # exit code 1 where the page says something else

A query begins with its name as a comment. A table belongs to a query where nothing but blank lines
stands between the two.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

import sparsest
from analysis.findings import question
from benchmarks.report import table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "results.md"

_QUERY_AND_TABLE = re.compile(
    r"^```sql\n-- (?P<name>\w+)\n.*?^```\n\n(?:\|[^\n]*\n)+", re.DOTALL | re.MULTILINE
)

_NUMBERS = {"run_id", "paper_run_id"}
"""Columns that name something: their numbers are written without commas."""


def main() -> None:
    """Rewrites the page, or checks it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    before = PAGE.read_text()
    with sparsest.open_published() as published:
        after = filled(before, lambda query: published.sql(query).arrow())
    if check:
        sys.exit(after != before)
    PAGE.write_text(after)


def filled(page: str, ask: Callable[[str], pa.Table]) -> str:
    """The page with every query as it is asked today, and the answer behind it.

    Raises:
        KeyError: a query has a name that `analysis.findings` does not know.
    """
    return _QUERY_AND_TABLE.sub(lambda match: _asked(match["name"], ask), page)


def _asked(name: str, ask: Callable[[str], pa.Table]) -> str:
    query = question(name)
    return f"```sql\n-- {name}\n{query}\n```\n\n{answer(ask(query))}\n"


def answer(result: pa.Table) -> str:
    """A result as a Markdown table; NULL is an empty cell."""
    names = result.column_names
    rows = [[_cell(name, row[name]) for name in names] for row in result.to_pylist()]
    return table(names, rows)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.12g}"
    if isinstance(value, int) and name not in _NUMBERS:
        return f"{value:,}"
    return str(value).replace("|", r"\|")


if __name__ == "__main__":
    main()
