"""Fill the tables of the pages of results.

    python -m benchmarks.results_page            # rewrite the pages from the published results
    python -m benchmarks.results_page --check    # exit code 1 if a page differs from them

Each SQL block on a page starts with the name of its query in analysis/findings.sql as a comment.
The table that follows it, after an optional </details>, holds the answer.
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
from search.paper import PAPER_STUDIES

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {
    DOCS / "results.md": PAPER_STUDIES,
    DOCS / "results-tables.md": PAPER_STUDIES,
    DOCS / "closing-the-gap.md": (
        *PAPER_STUDIES,
        "exchange",
        "exchange-records",
        "exchange-bench",
        "equal-training",
        "elimination",
        "elimination-ablation",
        "to-accuracy",
    ),
    DOCS / "depth-ablation.md": ("depth-ablation", "depth-more"),
    DOCS / "more-methods.md": ("overparam", "overparam-more", "penalties"),
    DOCS / "other-tasks.md": ("tasks-prune", "tasks-search", "tasks-more"),
}
"""Page -> the studies that its queries are about."""

_QUERY_AND_TABLE = re.compile(
    r"^```sql\n-- (?P<name>\w+)\n.*?^```\n(?P<between>(?:\n</details>\n)?\n)(?:\|[^\n]*\n)+",
    re.DOTALL | re.MULTILINE,
)

_NUMBERS = {"run_id", "paper_run_id"}
"""Columns with identifying numbers, which are written without thousands separators."""


def main() -> None:
    """Rewrite the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    before = {page: page.read_text() for page in PAGES}
    after = {page: refilled(page) for page in PAGES}
    if check:
        sys.exit(after != before)
    for page, text in after.items():
        page.write_text(text)


def refilled(page: Path) -> str:
    """Return a page with its queries' answers from the published results."""
    with sparsest.open_published(studies=PAGES[page]) as published:
        return filled(page.read_text(), lambda query: published.sql(query).arrow())


def filled(page: str, ask: Callable[[str], pa.Table]) -> str:
    """Return a page with the current text of each query and its current answer.

    Raises:
        KeyError: `analysis.findings` has no query of a given name.
    """

    def answered(match: re.Match[str]) -> str:
        name, query = match["name"], question(match["name"])
        return f"```sql\n-- {name}\n{query}\n```\n{match['between']}{answer(ask(query))}\n"

    return _QUERY_AND_TABLE.sub(answered, page)


def answer(result: pa.Table) -> str:
    """Return a result as a Markdown table; NULL is an empty cell."""
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
