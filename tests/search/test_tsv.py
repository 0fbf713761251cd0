from __future__ import annotations

from search.experiment import Experiment
from search.grid import MaskedStructure, Table, axis
from search.paper import paper_study
from search.study import Study
from search.tsv import tsv_lines


def test_lines_of_a_sweep_have_its_name() -> None:
    study = Study("mine", "for tests", axis("lr", 0.1, 1e-05), Experiment(structure=(3, 2)))
    assert list(tsv_lines(study, range(2))) == [
        "mine:1\tsearch\t16\t0.1\tcosine\t50\t-\t3x2\t-\t-\t-",
        "mine:2\tsearch\t16\t1e-05\tcosine\t50\t-\t3x2\t-\t-\t-",
    ]


def test_lines_are_in_the_order_of_the_indices() -> None:
    lines = list(tsv_lines(paper_study("phase1"), [2, 0]))
    assert [line.split("\t")[0] for line in lines] == ["random:18957", "random:18955"]


def test_all_lines_of_a_deep_study_have_the_same_columns() -> None:
    layers = (("11",), ("1",), ("1",), ("1",), ("0", "1"))
    study = Study("deep", "for tests", MaskedStructure((1, 1, 1, 1, 1), layers))
    lines = list(tsv_lines(study, range(2)))
    assert lines[0].split("\t")[7:] == ["1x1x1x1x1", "11", "1", "1", "1", "0"]
    assert {line.count("\t") for line in lines} == {12}


def test_epochs_are_those_of_all_training_rounds() -> None:
    rounds = (("lth", ()), ("lth", (("rounds", 2),)), ("synflow", (("rounds", 7),)), ("search", ()))
    grid = Table(("method", "hyperparameters"), rounds)
    study = Study("rounds", "for tests", grid, Experiment(epochs=10))
    epochs = [line.split("\t")[5] for line in tsv_lines(study, range(4))]
    assert epochs == ["50", "20", "10", "10"]


def test_hyperparameters_are_in_the_last_column() -> None:
    given = ((("end", 0.5), ("interval", 50)), ())
    study = Study("mine", "for tests", axis("hyperparameters", *given), Experiment(method="rigl"))
    lines = list(tsv_lines(study, range(2)))
    assert [line.split("\t")[8:] for line in lines] == [
        ["-", "-", "-", "end=0.5,interval=50"],
        ["-", "-", "-", "-"],
    ]


def test_scheme_is_in_the_last_column() -> None:
    study = Study("scheme", "for tests", axis("init_scheme", None, "kaiming"))
    assert [line.split("\t")[-1] for line in tsv_lines(study, range(2))] == [
        "-",
        "init_scheme=kaiming",
    ]
