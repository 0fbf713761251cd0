"""The command that tells how large a structure's mask space is."""

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

FIGURES = {
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
    found: dict[str, Any] = json.loads(ended.out)
    return found


@pytest.mark.parametrize("structure", FIGURES)
def test_structures_of_the_paper_have_other_counts(structure: str) -> None:
    counts = {row["name"]: row["networks"] for row in report(structure)["populations"]}
    assert FIGURES[structure].items() <= counts.items()


def test_cost_is_not_that_of_the_experiments() -> None:
    study = paper_study("phase2-995")
    of_one = len(study) // len(SCHEDULES)
    cost = sum(experiment_cost(study[index]) for index in range(0, of_one, 8)) * 8
    (listed,) = [row for row in report("7x3x3")["populations"] if row["name"] == "paper"]
    expected = cost * calibration().seconds_per_cost / 3600
    assert listed["core_hours"] == pytest.approx(expected, rel=0.01)


def test_structure_that_the_paper_has_not_is_given_its_masks() -> None:
    for words in (["4x3x3"], ["3x3x3", "--inputs", "3"]):
        found = report(*words)
        assert found["paper"] is None
        names = [row["name"] for row in found["populations"]]
        assert names == ["all", "covering", "eligible", "distinct"]
    assert {listed.structure for listed in LISTED_MASKS.values()} == {
        tuple(map(int, structure.split("x"))) for structure in FIGURES
    }


def test_limits_of_the_paper_s_list_are_not_told() -> None:
    text = " ".join(sparsest("space", "7x3x3").out.split())
    assert "(phase2-995): only fewer than 33 nonzeros" in text
    assert "only the first 3 masks of the second layer" in text
    assert report("7x3x3")["paper"] == {
        "study": "phase2-995",
        "nnz_below": 33,
        "mask2_limit": 3,
    }
    assert "(phase2-95): every eligible mask." in sparsest("space", "3x3x3").out


def test_numbers_are_cut_or_hard_to_read() -> None:
    ended = sparsest("space", "7x3x3")
    assert "8,338,343" in ended.out
    assert "17,592,186,044,416" in ended.out
    assert "…" not in ended.out
    assert max(len(line.rstrip()) for line in ended.out.splitlines()) <= 80
    assert re.search(r"distinct: .* \d\.\d\d \* 10\^28 ", sparsest("space", "8x8x8").out)


def test_structure_too_wide_to_count_says_nothing_of_its_networks() -> None:
    found = report("21x21x21")
    assert "distinct" not in [row["name"] for row in found["populations"]]
    assert found["distinct_at_least"] > 10**216
    text = " ".join(sparsest("space", "21x21x21").out.split())
    assert "Too wide to count its distinct networks: at least 2.53 * 10^216." in text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["7xx3"], "not a structure: '7xx3'; allowed: the neurons of 1 to 64 hidden layers"),
        (["0x3"], "not a structure: '0x3'"),
        (["phase1"], "not a structure: 'phase1'"),
        (["99x99"], "99x99 with 2 inputs has 9,999 weights in its hidden layers; allowed: 1,000"),
        (["3", "--inputs", "1000"], "3 with 1000 inputs has 3,000 weights"),
    ],
)
def test_malformed_structure_is_a_traceback(words: list[str], complaint: str) -> None:
    assert complaint in refused("space", *words)
