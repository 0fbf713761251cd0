"""Series of rows that compare methods: one for each method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analysis.figures.chart import Kind, Series
from analysis.methods import in_order, name_of

Row = Mapping[str, Any]


def method_series(
    rows: Sequence[Row],
    x: str,
    y: str | Callable[[Row], float],
    note: Callable[[Row], str] = lambda row: "",
    kind: Kind = "line",
) -> list[Series]:
    """Return a series for each method, in the order of legends.

    Args:
        rows: rows with a column `method`, in the order of their points; `experiment_id`, if it is
            there, is the network of a point.
        x: column with the x values.
        y: column with the y values, or a function of the row.
        note: returns the text about a point.
        kind: how the data are drawn.
    """
    by_method: dict[str, list[Row]] = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row)
    return [
        Series(
            name_of(method),
            method,
            [row[x] for row in by_method[method]],
            [row[y] if isinstance(y, str) else y(row) for row in by_method[method]],
            kind,
            networks=[row.get("experiment_id") for row in by_method[method]],
            notes=[note(row) for row in by_method[method]],
        )
        for method in in_order(by_method)
    ]
