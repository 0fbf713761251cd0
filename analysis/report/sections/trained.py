"""What the report is made from."""

from __future__ import annotations

from analysis.report.asking import ask
from analysis.report.one_dataset import Source
from analysis.report.section import Section

_ROWS = """
SELECT study, method, count(*) AS trainings,
       count(*) FILTER (status = 'collapsed') AS collapsed,
       count(*) FILTER (status IN ('diverged', 'failed')) AS without_result,
       median(accuracy) AS median_accuracy, max(accuracy) AS best_accuracy,
       sum(train_ms) / 3.6e6 AS core_hours
FROM results GROUP BY study, method ORDER BY study, method
"""

_SWEEPS = """
SELECT backend, study, count(*) AS trainings
FROM results GROUP BY backend, study ORDER BY study, backend
"""


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
            ask(reader, "rows", "Trainings by study and method", _ROWS),
            ask(reader, "backends", "What trained them", _SWEEPS),
        ),
    )
