"""The intervals of docs/closing-the-gap.md compared with the published rows."""

from __future__ import annotations

import pytest

import sparsest
from search.intervals import clopper_pearson
from tests.docs.pages import ROOT

TEXT = (ROOT / "docs" / "closing-the-gap.md").read_text()


@pytest.mark.parametrize(("target", "accuracy", "column"), [(20, 0.95, 1), (34, 0.995, 2)])
def test_shares_and_intervals_are_those_of_the_published_rows(
    target: int, accuracy: float, column: int
) -> None:
    table = TEXT.split("\n| width | at most")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    stated = {int(row[0]): row[column] for row in rows}
    query = (
        f"SELECT width, count(*) FILTER (accuracy >= {accuracy}) AS hits, count(*) AS trainings "
        f"FROM results WHERE target_nnz = {target} GROUP BY width"
    )
    with sparsest.open_published(studies=["exchange"]) as published:
        counts = published.sql(query).arrow().to_pylist()
    assert stated.keys() == {row["width"] for row in counts}
    for row in counts:
        share = clopper_pearson(row["hits"], row["trainings"])
        low, high = 100 * share.low, 100 * share.high
        cell = f"({low:.0f} to {high:.0f} %; {row['hits']} of {row['trainings']})"
        assert cell in stated[row["width"]]
