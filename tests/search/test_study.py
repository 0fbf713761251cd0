from __future__ import annotations

import json
import pickle
from itertools import pairwise

import pytest

from search.experiment import Experiment
from search.grid import MaskedStructure, Product, Replicates, axis
from search.masks.sequences import AllMasks
from search.paper import paper_study
from search.study import Study

LRS = Study("lrs", "for tests", axis("lr", 0.1, 0.2, 0.3), Experiment(structure=(2, 2, 2)))
INITS = Study(
    "inits",
    "for tests",
    Product((Replicates(2), axis("init", "fresh", "bench-95", "bench-995"))),
    Experiment(structure=(2, 2, 2)),
)


def test_indexing_and_iteration_agree() -> None:
    expected = [Experiment("lrs", structure=(2, 2, 2), lr=lr) for lr in (0.1, 0.2, 0.3)]
    assert list(LRS) == expected
    assert [LRS[0], LRS[1], LRS[-1]] == expected
    assert LRS[1:] == expected[1:]
    assert len(LRS) == 3


@pytest.mark.parametrize("index", [3, -4])
def test_index_beyond_the_end_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match=f"lrs .*{index}"):
        LRS[index]


def test_study_with_too_many_experiments_is_refused() -> None:
    grid = MaskedStructure((16, 16), (AllMasks(8, 2), AllMasks(16, 16)))
    with pytest.raises(ValueError, match=r"10\^\d+ experiments.*2\^63 - 1"):
        Study("huge", "for tests", grid)


def test_everything_that_changes_an_experiment_changes_the_digest() -> None:
    studies = [
        LRS,
        Study("lrs", "for tests", axis("lr", 0.1, 0.3, 0.2), LRS.base),
        Study("lrs", "for tests", axis("lr", 0.1, 0.2, 0.3)),
        Study("other", "for tests", LRS.grid, LRS.base),
        LRS.with_root_seed(1),
        INITS,
        INITS.with_init("bench-95:aa"),
        INITS.with_init("bench-95:bb"),
        INITS.with_init("bench-95:aa").with_init("bench-995:bb"),
    ]
    assert len({study.digest for study in studies}) == len(studies)


def test_digest_ignores_what_changes_no_experiment() -> None:
    described = Study("lrs", "other words", LRS.grid, LRS.base, left_out=4, file_sha256="ab")
    assert described.digest == LRS.digest
    one = INITS.with_init("bench-95:aa").with_init("bench-995:bb")
    other = INITS.with_init("bench-995:bb").with_init("bench-95:cc").with_init("bench-95:aa")
    assert one.digest == other.digest
    assert list(one) == list(other)


def test_digest_of_a_stored_study_is_stable() -> None:
    assert paper_study("phase1").digest == "3a0bfbdd8962ad08ad297944ec2bac2b"
    assert paper_study("phase2-995").digest == "ab5921116df8560d314491fdcdc25843"


def test_definition_is_plain_json() -> None:
    definition = json.loads(json.dumps(LRS.definition()))
    assert definition["base"]["root_seed"] == 0
    assert definition["grid"] == {"fields": ["lr"], "rows": [[0.1], [0.2], [0.3]]}


def test_root_seed_reaches_every_experiment() -> None:
    reseeded = LRS.with_root_seed(5)
    assert [experiment.root_seed for experiment in reseeded] == [5, 5, 5]
    assert not {e.experiment_id for e in reseeded} & {e.experiment_id for e in LRS}


@pytest.mark.parametrize("root_seed", [-1, 2**63])
def test_root_seed_outside_of_64_bits_is_refused(root_seed: int) -> None:
    with pytest.raises(ValueError, match="root seed"):
        LRS.with_root_seed(root_seed)


def test_stored_initialisation_replaces_only_its_own_name() -> None:
    resolved = INITS.with_init("bench-95:aa")
    expected = ["fresh", "bench-95:aa", "bench-995"] * 2
    assert [experiment.init for experiment in resolved] == expected
    assert resolved.init_names == INITS.init_names == ("bench-95", "bench-995")
    assert [experiment.replicate for experiment in resolved] == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("token", ["bench-95", "bench-95:", ""])
def test_initialisation_without_a_digest_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="not NAME:DIGEST"):
        INITS.with_init(token)


def test_unused_initialisation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'bench-995'.*bench-95"):
        paper_study("fixed95-prune").with_init("bench-995:aa")
    with pytest.raises(ValueError, match="none"):
        LRS.with_init("fresh:aa")


def test_sample_is_even_and_has_no_repetitions() -> None:
    study = paper_study("phase1")
    sample = study.sample(100)
    assert len(set(sample)) == 100
    gaps = [after - before for before, after in pairwise(sample)]
    assert set(gaps) <= {245, 246}  # 24,576 / 100
    assert sample[0] == 122
    assert sample[-1] == 24_453
    assert LRS.sample(10) == [0, 1, 2]


def test_labels_number_from_one() -> None:
    assert [LRS.label(index) for index in range(3)] == ["lrs:1", "lrs:2", "lrs:3"]
    assert LRS.paper_run_id(0) is None


def test_used_study_pickles_to_the_same_experiments() -> None:
    resolved = INITS.with_init("bench-95:aa").with_root_seed(3)
    assert resolved.digest
    copy = pickle.loads(pickle.dumps(resolved))
    assert copy.digest == resolved.digest
    assert list(copy) == list(resolved)
