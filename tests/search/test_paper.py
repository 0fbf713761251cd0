"""The paper's studies, compared with digests of the authors' lists of runs."""

from __future__ import annotations

import hashlib
import pickle

import pytest

from search.paper import PAPER_GROUPS, PAPER_STUDIES, paper_study
from search.paper_sizes import PAPER_SIZES
from search.tsv import tsv_lines

EXPECTED: dict[str, tuple[str, int, int, str]] = {
    "overparam": (
        "random",
        1,
        18_954,
        "d91caba4205200d6f5409ae4a942183e87c4c187b163eadb6419d1a884affcd7",
    ),
    "phase1": (
        "random",
        18_955,
        43_530,
        "ebb9a56b22bf46ac951738d9f64924b67f12a356c1ea6130858e095a8b389388",
    ),
    "phase2-95": (
        "random",
        43_531,
        199_482,
        "feec9c77084ef5ea7a83eb1d3493b79ca8232d86950edaa09ff199b5d195e6da",
    ),
    "phase2-995": (
        "random",
        199_483,
        389_106,
        "3ce4d9d8863535768e82d1a24ccd4ce6079991189abc4a780df93fceb9455013",
    ),
    "fixed95-prune": (
        "fixed-95",
        1,
        9_720,
        "d7a07030f0174394de83a339c9266c7b20e52594d2b949a946610ff312940457",
    ),
    "fixed95-phase1": (
        "fixed-95",
        9_721,
        10_278,
        "0995e6238045e3759e770b37ae025a11813553cb98a43a1db52e8c1b44ddb14b",
    ),
    "fixed95-phase2": (
        "fixed-95",
        10_279,
        12_774,
        "b6b42b2ec8ab1c10d44d65706ee5663bac8b34df65ef05ec137bdf51ade583c7",
    ),
    "fixed995-prune": (
        "fixed-995",
        1,
        11_340,
        "7117c83bc54b370860c44bccbd7c3b2887c6bd5b64fec6d66b65d48f0d29c94d",
    ),
    "fixed995-phase1": (
        "fixed-995",
        11_341,
        13_374,
        "eb51b9814c9c4082ae5d469ec71dc56604032b98d819db164f3d67c86e2ca162",
    ),
    "fixed995-phase2": (
        "fixed-995",
        13_375,
        83_958,
        "97b10c6ea287a498902e5bf3cbd63b46241005bb3a62fbc9267f6a7569c88520",
    ),
}

SHA256_ALL = "be1a39ba8fb48d186ec4b0142e3e3ab24d4c078c65dc02dbf535e6f98fbb6c68"

EXAMPLES = [
    "random:1\tlth\t3\t0.05\tcosine\t250\t15\t-\t-\t-\t-",
    "random:6319\tlth\t3\t0.1\tcosine\t250\t15\t-\t-\t-\t-",
    "random:9478\tforce\t8\t0.1\tstep\t50\t60\t-\t-\t-\t-",
    "random:18954\tsynflow\t256\t0.2\tconstant\t50\t65\t-\t-\t-\t-",
    "random:18955\tsearch\t16\t0.05\tcosine\t50\t-\t1x1x1\t-\t-\t-",
    "random:27147\tsearch\t16\t0.05\tconstant\t50\t-\t1x1x1\t-\t-\t-",
    "random:31243\tsearch\t16\t0.1\tcosine\t50\t-\t1x1x1\t-\t-\t-",
    "random:43530\tsearch\t16\t0.1\tconstant\t50\t-\t16x16x16\t-\t-\t-",
    "random:43531\tsearch\t16\t0.05\tcosine\t50\t-\t3x3x3\t10|10|01\t100|010|001\t100|010|001",
    "random:95515\tsearch\t16\t0.05\tconstant\t50\t-\t3x3x3\t10|10|01\t100|010|001\t100|010|001",
    "random:121507\tsearch\t16\t0.1\tcosine\t50\t-\t3x3x3\t10|10|01\t100|010|001\t100|010|001",
    "random:199482\tsearch\t16\t0.1\tconstant\t50\t-\t3x3x3\t11|11|11\t111|111|111\t111|111|111",
    "random:199483\tsearch\t16\t0.05\tcosine\t50\t-\t7x3x3\t10|10|10|10|10|10|01\t0000111|1001000|0110000\t100|010|001",
    "random:262691\tsearch\t16\t0.05\tstep\t50\t-\t7x3x3\t10|10|10|10|10|10|01\t0000111|1001000|0110000\t100|010|001",
    "random:294295\tsearch\t16\t0.05\tstep\t50\t-\t7x3x3\t11|11|01|01|01|01|01\t0001111|1110000|1110000\t110|100|001",
    "random:389106\tsearch\t16\t0.05\tconstant\t50\t-\t7x3x3\t11|11|11|11|11|11|11\t1111010|1111001|1110110\t100|010|001",
    "fixed-95:1\tforce\t3\t0.05\tcosine\t50\t15\t-\t-\t-\t-",
    "fixed-95:3241\tforce\t3\t0.2\tcosine\t50\t15\t-\t-\t-\t-",
    "fixed-95:4861\tgmp\t16\t0.1\tstep\t50\t15\t-\t-\t-\t-",
    "fixed-95:9720\tsynflow\t16\t0.2\tconstant\t50\t26\t-\t-\t-\t-",
    "fixed-95:9721\tsearch\t16\t0.05\tcosine\t50\t-\t1x1x1\t-\t-\t-",
    "fixed-95:9907\tsearch\t16\t0.05\tconstant\t50\t-\t1x1x1\t-\t-\t-",
    "fixed-95:10000\tsearch\t16\t0.1\tcosine\t50\t-\t1x1x1\t-\t-\t-",
    "fixed-95:10278\tsearch\t16\t0.1\tconstant\t50\t-\t7x1x2\t-\t-\t-",
    "fixed-95:10279\tsearch\t16\t0.05\tcosine\t50\t-\t3x2x2\t10|10|01\t011|100\t10|01",
    "fixed-95:11111\tsearch\t16\t0.05\tconstant\t50\t-\t3x2x2\t10|10|01\t011|100\t10|01",
    "fixed-95:11527\tsearch\t16\t0.1\tcosine\t50\t-\t3x2x2\t10|10|01\t011|100\t10|01",
    "fixed-95:12774\tsearch\t16\t0.1\tconstant\t50\t-\t3x2x2\t11|11|11\t111|111\t11|11",
    "fixed-995:1\titer-snip\t6\t0.05\tcosine\t50\t16\t-\t-\t-\t-",
    "fixed-995:3781\titer-snip\t6\t0.2\tcosine\t50\t16\t-\t-\t-\t-",
    "fixed-995:5671\tlth\t16\t0.1\tstep\t250\t16\t-\t-\t-\t-",
    "fixed-995:11340\tsynflow\t16\t0.2\tconstant\t50\t36\t-\t-\t-\t-",
    "fixed-995:11341\tsearch\t16\t0.05\tcosine\t50\t-\t1x1x1\t-\t-\t-",
    "fixed-995:12019\tsearch\t16\t0.05\tconstant\t50\t-\t1x1x1\t-\t-\t-",
    "fixed-995:12358\tsearch\t16\t0.1\tcosine\t50\t-\t1x1x1\t-\t-\t-",
    "fixed-995:13374\tsearch\t16\t0.1\tconstant\t50\t-\t13x1x2\t-\t-\t-",
    "fixed-995:13375\tsearch\t16\t0.05\tcosine\t50\t-\t6x3x2\t10|10|10|10|10|01\t100001|010010|001100\t011|100",
    "fixed-995:36903\tsearch\t16\t0.05\tstep\t50\t-\t6x3x2\t10|10|10|10|10|01\t100001|010010|001100\t011|100",
    "fixed-995:48667\tsearch\t16\t0.05\tstep\t50\t-\t6x3x2\t11|11|10|10|10|01\t110100|101010|101001\t111|001",
    "fixed-995:83958\tsearch\t16\t0.05\tconstant\t50\t-\t6x3x2\t11|11|11|11|11|11\t111110|111011|111011\t110|001",
]


@pytest.fixture(scope="module")
def listings() -> dict[str, str]:
    """Return every study as text, lines joined by newlines."""
    return {
        name: "\n".join(tsv_lines(paper_study(name), range(len(paper_study(name)))))
        for name in PAPER_STUDIES
    }


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", PAPER_STUDIES)
def test_study_agrees_with_the_authors_line_by_line(name: str, listings: dict[str, str]) -> None:
    assert sha256(listings[name]) == EXPECTED[name][3]


def test_all_ten_studies_are_in_the_authors_order(listings: dict[str, str]) -> None:
    assert tuple(EXPECTED) == PAPER_STUDIES
    assert sha256("\n".join(listings.values())) == SHA256_ALL


@pytest.mark.parametrize("name", PAPER_STUDIES)
def test_run_ids_agree_with_the_authors(name: str) -> None:
    study = paper_study(name)
    group, first, last, _ = EXPECTED[name]
    assert study.paper_group == group
    assert len(study) == last - first + 1 == PAPER_SIZES[name]
    assert (study.paper_run_id(0), study.paper_run_id(len(study) - 1)) == (first, last)


def test_totals_agree_with_the_paper() -> None:
    totals = {
        group: sum(len(paper_study(name)) for name in PAPER_STUDIES if EXPECTED[name][0] == group)
        for group in PAPER_GROUPS
    }
    assert totals == {"random": 389_106, "fixed-95": 12_774, "fixed-995": 83_958}
    assert sum(totals.values()) == 485_838


@pytest.mark.parametrize("line", EXAMPLES)
def test_run_id_finds_the_experiment(line: str) -> None:
    group, run_id = line.split("\t")[0].split(":")
    (study,) = (
        paper_study(name)
        for name, (of_group, first, last, _) in EXPECTED.items()
        if of_group == group and first <= int(run_id) <= last
    )
    index = int(run_id) - study.first_run_id
    assert list(tsv_lines(study, [index])) == [line]


def test_every_experiment_occurs_once() -> None:
    hashes = {hash(experiment) for name in PAPER_STUDIES for experiment in paper_study(name)}
    assert len(hashes) == 485_838


@pytest.mark.parametrize("name", PAPER_STUDIES)
def test_study_pickles_as_its_name_and_settings(name: str) -> None:
    study = paper_study(name).with_root_seed(5)
    for name in study.init_names:
        study = study.with_init(f"{name}:00ff")
    pickled = pickle.dumps(study)
    assert len(pickled) < 1000
    copy = pickle.loads(pickled)
    assert copy.digest == study.digest
    assert copy[len(copy) - 1] == study[len(study) - 1]
    assert copy[0].root_seed == 5


@pytest.mark.parametrize("name", PAPER_STUDIES)
def test_only_fixed_groups_start_from_a_stored_initialisation(name: str) -> None:
    study = paper_study(name)
    expected = {"random": (), "fixed-95": ("bench-95",), "fixed-995": ("bench-995",)}
    assert study.init_names == expected[EXPECTED[name][0]]


def test_repetitions_differ_only_in_their_replicate() -> None:
    study = paper_study("fixed95-prune")
    once = len(study) // 5
    assert [study[once * n].replicate for n in range(5)] == [0, 1, 2, 3, 4]
    assert {study[once * n + 7].method for n in range(5)} == {study[7].method}
    assert len({study[once * n + 7].order_stream for n in range(5)}) == 5


def test_pruning_starts_from_whole_networks_and_the_search_does_not() -> None:
    overparam, phase1 = paper_study("overparam"), paper_study("phase1")
    assert "search" not in overparam.values("method")
    assert len(overparam.values("method")) == 9
    assert overparam.values("structure") == {None}
    assert phase1.values("method") == {"search"}
    assert phase1[0].masks == ()
    assert phase1[0].target_nnz is None


def test_epochs_of_lth_are_those_of_one_round() -> None:
    assert paper_study("overparam")[0].method == "lth"
    assert paper_study("overparam").values("epochs") == {50}
