"""What the report is made from."""

from __future__ import annotations

from analysis.report.asking import ask
from analysis.report.one_dataset import Source
from analysis.report.section import Section


def section(reader: Source) -> Section:
    """Counts the rows."""
    return Section(
        "rows",
        "Rows",
        "What this report is made from",
        (
            "Every training is a row, and every figure here the answer to the SQL beside it. The "
            "networks themselves are in the store, or come back by training them again.",
        ),
        (),
        (
            ask(reader, "rows", "Trainings by study and method"),
            ask(reader, "backends", "What trained them"),
        ),
    )
