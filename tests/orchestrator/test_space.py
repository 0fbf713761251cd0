"""The command `space`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from orchestrator.planning.calibration import calibration
from search.experiment import SCHEDULES
from search.paper import paper_study
from search.paper_grids import LISTED_MASKS
from tests.orchestrator.running import refused, sparsest
from workers.cost import experiment_cost

COUNTS = {
    "3x3x3": {"eligible": 25_992, "distinct": 12_400, "paper": 25_992, "paper-distinct": 12_400},
    "7x3x3": {
        "all": 2**44,
        "eligible": 266_004_066,
        "distinct": 8_338_343,
        "paper": 63_208,
        "paper-distinct": 26_161,
    },
    "3x2x2": {"eligible": 416, "distinct": 273, "paper": 416, "paper-distinct": 273},
    "6x3x2": {"distinct": 492_566, "paper": 23_528, "paper-distinct": 8_714},
}


def report(*words: str) -> dict[str, Any]:
    ended = sparsest("space", *words, "--json")
    assert ended.code == 0, ended.err
    printed: dict[str, Any] = json.loads(ended.out)
    return printed


@pytest.mark.parametrize("structure", COUNTS)
def test_counts_are_those_of_the_paper_s_structures(structure: str) -> None:
    counts = {row["name"]: row["networks"] for row in report(structure)["populations"]}
    assert COUNTS[structure].items() <= counts.items()


def test_cost_is_that_of_the_experiments() -> None:
    study = paper_study("phase2-995")
    one_schedule = len(study) // len(SCHEDULES)
    cost = sum(experiment_cost(study[index]) for index in range(0, one_schedule, 8)) * 8
    (listed,) = [row for row in report("7x3x3")["populations"] if row["name"] == "paper"]
    expected = cost * calibration().seconds_per_cost / 3600
    assert listed["core_hours"] == pytest.approx(expected, rel=0.01)


def test_structure_outside_the_paper_has_no_paper_counts() -> None:
    for words in (["4x3x3"], ["3x3x3", "--inputs", "3"]):
        printed = report(*words)
        assert printed["paper"] is None
        names = [row["name"] for row in printed["populations"]]
        assert names == ["all", "covering", "eligible", "distinct"]
    assert {listed.structure for listed in LISTED_MASKS.values()} == {
        tuple(map(int, structure.split("x"))) for structure in COUNTS
    }


def test_limits_of_the_paper_s_list_are_shown() -> None:
    text = " ".join(sparsest("space", "7x3x3").out.split())
    assert "phase2-995" in text
    assert "fewer than 33 nonzeros" in text
    assert "first 3 masks" in text
    assert report("7x3x3")["paper"] == {
        "study": "phase2-995",
        "nnz_below": 33,
        "mask2_limit": 3,
    }
    assert "phase2-95" in sparsest("space", "3x3x3").out


def test_numbers_have_thousands_separators_or_powers_of_ten() -> None:
    ended = sparsest("space", "7x3x3")
    assert "8,338,343" in ended.out
    assert "17,592,186,044,416" in ended.out
    assert "…" not in ended.out
    assert max(len(line.rstrip()) for line in ended.out.splitlines()) <= 80
    assert re.search(r"distinct: .* \d\.\d\d \* 10\^28 ", sparsest("space", "8x8x8").out)


def test_structure_too_wide_to_count_has_a_lower_bound() -> None:
    printed = report("21x21x21")
    assert "distinct" not in [row["name"] for row in printed["populations"]]
    assert printed["distinct_at_least"] > 10**216
    text = " ".join(sparsest("space", "21x21x21").out.split())
    assert "at least 2.53 * 10^216" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["7xx3"], "'7xx3'"),
        (["0x3"], "'0x3'"),
        (["phase1"], "'phase1'"),
        (["99x99"], "9,999"),
        (["3", "--inputs", "1000"], "3,000"),
    ],
)
def test_structure_that_is_malformed_or_too_large_is_refused(
    words: list[str], message: str
) -> None:
    assert message in refused("space", *words)


@pytest.mark.parametrize("columns", ["20", None])
def test_numbers_are_printed_in_full(columns: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a narrow terminal nor in a pipe."""
    if columns is None:
        monkeypatch.delenv("COLUMNS")
    else:
        monkeypatch.setenv("COLUMNS", columns)
    out = sparsest("space", "7x3x3").out
    assert "17,592,186,044,416" in out
    assert "…" not in out
