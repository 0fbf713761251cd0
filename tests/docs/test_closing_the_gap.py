"""The tables of docs/closing-the-gap.md compared with the published rows of their studies."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

import pyarrow.parquet as pq
import pytest

from search.intervals import clopper_pearson
from search.project import PROJECT_STUDIES
from tests.docs.pages import ROOT

TEXT = (ROOT / "docs" / "closing-the-gap.md").read_text()
Rows = dict[tuple[int, int], list[tuple[float, int]]]


def table(first: str) -> list[list[str]]:
    """Return the rows of the table whose first columns have these names."""
    after = TEXT.split(f"\n{first}")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in after.splitlines()[2:]]


@pytest.fixture(scope="module")
def rows() -> dict[str, Rows]:
    """Return (accuracy, weights) of every published training by study, target and width."""
    found: dict[str, Rows] = {}
    for name in ("exchange", "exchange-records", "exchange-bench"):
        study = PROJECT_STUDIES[name]
        groups: Rows = defaultdict(list)
        for row in pq.read_table(ROOT / "results" / f"{name}.parquet").to_pylist():
            experiment = study[row["study_index"]]
            assert experiment.target_nnz is not None
            key = experiment.target_nnz, experiment.width
            groups[key].append((row["accuracy"] or 0.0, row["weight_nnz"] or 0))
        found[name] = groups
    return found


def test_table_of_success_is_that_of_the_published_rows(rows: dict[str, Rows]) -> None:
    stated = {(int(r[0]), int(r[1])): r[2:] for r in table("| target_nnz | width |")}
    assert stated.keys() == rows["exchange"].keys()
    for key, trainings in rows["exchange"].items():
        accuracies = [accuracy for accuracy, _ in trainings]
        fewest = [
            min((nnz for accuracy, nnz in trainings if accuracy >= target), default="")
            for target in (0.95, 0.995)
        ]
        assert stated[key][:3] == [
            str(len(trainings)),
            str(sum(accuracy >= 0.95 for accuracy in accuracies)),
            str(sum(accuracy >= 0.995 for accuracy in accuracies)),
        ]
        assert float(stated[key][3]) == pytest.approx(100 * median(accuracies), abs=0.051)
        assert stated[key][4:6] == list(map(str, fewest))


def test_shares_and_intervals_are_those_of_the_published_rows(rows: dict[str, Rows]) -> None:
    for (target, width), trainings in rows["exchange"].items():
        least = 0.95 if target == 20 else 0.995
        hits = sum(accuracy >= least for accuracy, _ in trainings)
        share = clopper_pearson(hits, len(trainings))
        low, high = 100 * share.low, 100 * share.high
        cell = f"({low:.0f} to {high:.0f} %; {hits} of {len(trainings)})"
        (cells,) = [row for row in table("| width | at most") if row[0] == str(width)]
        assert cell in cells[1 if target == 20 else 2]


def test_table_of_records_is_that_of_the_published_rows(rows: dict[str, Rows]) -> None:
    stated = {int(r[0]): r[1:] for r in table("| target_nnz | trainings |")}
    assert {(target, 7) for target in stated} == rows["exchange-records"].keys()
    for (target, _), trainings in rows["exchange-records"].items():
        accuracies = [accuracy for accuracy, _ in trainings]
        counts = [len(accuracies), *(sum(a >= t for a in accuracies) for t in (0.95, 0.995))]
        assert stated[target][:3] == list(map(str, counts))
        assert float(stated[target][3]) == pytest.approx(100 * max(accuracies), abs=0.0051)


def test_table_of_the_best_initialisations_is_that_of_the_published_rows(
    rows: dict[str, Rows],
) -> None:
    stated = {(int(r[1]), 7): r[2:] for r in table("| start | target_nnz |")}
    assert stated.keys() == rows["exchange-bench"].keys()
    for key, trainings in rows["exchange-bench"].items():
        accuracies = [accuracy for accuracy, _ in trainings]
        counts = [len(accuracies), *(sum(a >= t for a in accuracies) for t in (0.95, 0.995))]
        assert stated[key][:3] == list(map(str, counts))
        assert float(stated[key][3]) == pytest.approx(100 * median(accuracies), abs=0.051)
