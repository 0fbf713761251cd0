from __future__ import annotations

from typing import Any

import pytest

from search.experiment import Experiment, experiment_ids
from search.grid import Chain, Product, Table, axis
from search.paper import PAPER_STUDIES, find_run, paper_study
from search.specification import (
    SPECIFICATION_COLUMNS,
    experiment_of,
    specification_row,
    specification_table,
)
from search.study import Study


@pytest.mark.parametrize("name", PAPER_STUDIES)
def test_columns_of_a_study_agree_with_its_experiments(name: str) -> None:
    study = paper_study(name).with_root_seed(3)
    for name in study.init_names:
        study = study.with_init(f"{name}:100%s")
    places = study.sample(40)
    rows = specification_table(study, places).to_pylist()
    for index, row in zip(places, rows, strict=True):
        one_by_one = specification_row(study[index]) | {
            "study_index": index,
            "paper_group": study.paper_group,
            "paper_run_id": study.paper_run_id(index),
        }
        assert row == one_by_one
    assert list(rows[0]) == list(SPECIFICATION_COLUMNS)


@pytest.mark.parametrize("name", PAPER_STUDIES)
def test_row_round_trip_keeps_the_experiment(name: str) -> None:
    study = paper_study(name).with_root_seed(3)
    for index in study.sample(20):
        assert experiment_of(specification_row(study[index])) == study[index]


@pytest.mark.parametrize("targets", [{"target_nnz": 9}, {"target_accuracy": 0.95}])
def test_row_round_trip_keeps_hyperparameters_and_targets(targets: dict[str, Any]) -> None:
    settings = (("budget", "effective"), ("drop_fraction", 0.25), ("interval", 50))
    experiment = Experiment(
        method="rigl", width=4, hyperparameters=settings, init_scheme="kaiming", **targets
    )
    again = experiment_of(specification_row(experiment))
    assert again == experiment
    assert again.experiment_id == experiment.experiment_id


def test_varying_initialisation_is_identified_by_its_content() -> None:
    grid = Product((axis("init", "fresh", "mine"), Table(("lr",), ((0.1,), (0.2,)))))
    study = Study("varied", "", grid).with_init("mine:abc")
    table = specification_table(study, range(4))
    assert table.column("init").to_pylist() == ["fresh", "fresh", "mine:abc", "mine:abc"]
    ids = table.column("experiment_id").to_pylist()
    assert ids == [experiment.experiment_id for experiment in study]


def test_tables_that_vary_different_fields_have_correct_columns() -> None:
    masked = Product((axis("structure", (2, 2), (3, 2)),))
    pruned = Product((axis("method", "snip", "gmp"), axis("width", 4, 5), axis("target_nnz", 9)))
    study = Study("mixed", "", Chain((masked, pruned)))
    rows = specification_table(study, range(len(study))).to_pylist()
    assert len(rows) == 6
    for index, row in enumerate(rows):
        assert row["experiment_id"] == study[index].experiment_id
        assert experiment_of(row) == study[index]


def test_ids_of_many_experiments_with_target_accuracies_are_their_own() -> None:
    base = Experiment(method="gmp").specification()
    updates: list[dict[str, Any]] = [{"width": 4}, {"target_accuracy": 0.9}, {"target_nnz": 20}]
    expected = [Experiment(**base | update).experiment_id for update in updates]
    assert experiment_ids(base, updates) == expected
    aimed = base | {"target_accuracy": 0.95}
    expected = [Experiment(**aimed | {"width": width}).experiment_id for width in (3, 4)]
    assert experiment_ids(aimed, [{"width": 3}, {"width": 4}]) == expected


def test_no_experiments_have_no_ids() -> None:
    assert experiment_ids(Experiment().specification(), []) == []
    assert specification_table(paper_study("phase1"), []).num_rows == 0


def test_authors_number_finds_the_experiment() -> None:
    for name in PAPER_STUDIES:
        study = paper_study(name)
        for index in (0, len(study) - 1):
            assert find_run(study.label(index)) == (study, index)


@pytest.mark.parametrize("label", ["random:0", "random:409108", "mine:1", "random", "random:x", ""])
def test_unknown_number_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="no experiment of the paper"):
        find_run(label)
