"""Tables of hyperparameters in sweep files."""

from __future__ import annotations

import pickle

import pytest

from search.datasets import DatasetSpec
from search.method import TO_TARGET, Method
from search.settings import Setting, Value
from search.specification import specification_table
from search.study import Study
from search.sweeps.file import SweepFileError
from tests.search.conftest import Load

_INT32 = 2**31 - 1
METHODS = {
    method.name: method
    for method in (
        Method("search", "explicit", frozenset({"structure", "masks"})),
        Method("snip", "before", TO_TARGET),
        Method("lth", "during", TO_TARGET, settings={"rounds": Setting(5, 2, 1000, "rounds")}),
        Method(
            "iter-rigl",
            "during",
            TO_TARGET,
            settings={
                "interval": Setting(100, 1, _INT32, "steps"),
                "drop_fraction": Setting(0.3, 0.0, 1.0, "share"),
            },
        ),
        Method(
            "gmp",
            "during",
            TO_TARGET,
            settings={"events": Setting(200, 2, 100_000, "parts")},
            steps_at_least="events",
        ),
    )
}
DATASETS = {
    "cubist-spiral": DatasetSpec("cubist-spiral", points=1009, features=2),
    "rings": DatasetSpec("rings", points=10**9, features=2),
}
RIGL = '[base]\nmethod = "iter-rigl"\ntarget_nnz = 20\n'
GMP = '[base]\nmethod = "gmp"\ntarget_nnz = 20\nbatch_size = 100\n'


@pytest.fixture(autouse=True)
def _other_methods_and_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.methods.METHODS", METHODS)
    monkeypatch.setattr("search.datasets.DATASETS", DATASETS)


def hyperparameters(study: Study) -> list[dict[str, Value]]:
    return [dict(experiment.hyperparameters) for experiment in study]


def test_combinations_are_complete_and_in_order(load: Load) -> None:
    study = load(f"{RIGL}[iter-rigl]\ndrop_fraction = [0.5, 0.1]\ninterval = [7, 50]")
    assert hyperparameters(study) == [
        {"interval": interval, "drop_fraction": fraction}
        for interval in (7, 50)
        for fraction in (0.5, 0.1)
    ]
    assert all(list(e.hyperparameters) == sorted(e.hyperparameters) for e in study)


def test_single_value_needs_no_list(load: Load) -> None:
    assert hyperparameters(load(f"{RIGL}[iter-rigl]\ninterval = 7")) == [{"interval": 7}]


def test_hyperparameters_vary_directly_after_the_method(load: Load) -> None:
    study = load(
        'replicates = 2\n[base]\nmethod = "lth"\n[lth]\nrounds = [2, 3]\n'
        "[grid]\nlr = [0.1, 0.2]\ntarget_nnz = [20, 30]"
    )
    order = [(e.replicate, e.lr, e.hyperparameters[0][1], e.target_nnz) for e in study]
    assert order == sorted(order)
    assert len(order) == 16


def test_authors_value_is_the_same_experiment_as_none(load: Load) -> None:
    plain = load(RIGL)
    for table in ("", "interval = 100", "drop_fraction = [0.3]\ninterval = 100"):
        study = load(f"{RIGL}[iter-rigl]\n{table}")
        assert list(study) == list(plain)
        assert study.digest == plain.digest
    varied = load(f"{RIGL}[iter-rigl]\ninterval = [50, 100]")
    ids = [experiment.experiment_id for experiment in varied]
    assert ids[1] == plain[0].experiment_id != ids[0]
    assert varied[1] == plain[0]


def test_authors_value_next_to_another_one_is_omitted(load: Load) -> None:
    study = load(f"{RIGL}[iter-rigl]\ninterval = 100\ndrop_fraction = 0.1")
    assert hyperparameters(study) == [{"drop_fraction": 0.1}]


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.0"), ("0", "0.0"), ("0", "-0.0"), ("0.5", "5e-1")]
)
def test_number_in_another_form_is_the_same_experiment(load: Load, one: str, other: str) -> None:
    studies = [load(f"{RIGL}[iter-rigl]\ndrop_fraction = {text}") for text in (one, other)]
    assert studies[0][0].experiment_id == studies[1][0].experiment_id
    assert studies[0].digest == studies[1].digest
    assert isinstance(dict(studies[0][0].hyperparameters)["drop_fraction"], float)


SEVERAL = """
    [lth]
    rounds = [2, 3]
    [iter-rigl]
    interval = [7, 100]
    [[grid]]
    structure = ["3x3"]
    [[grid]]
    method = ["lth", "snip", "iter-rigl"]
    target_nnz = [20]
    [[grid]]
    method = ["lth"]
    target_nnz = [30]
"""


def test_table_of_a_method_affects_only_its_experiments(load: Load) -> None:
    study = load(SEVERAL)
    assert [(e.method, e.target_nnz, dict(e.hyperparameters)) for e in study] == [
        ("search", None, {}),
        ("lth", 20, {"rounds": 2}),
        ("lth", 20, {"rounds": 3}),
        ("snip", 20, {}),
        ("iter-rigl", 20, {"interval": 7}),
        ("iter-rigl", 20, {}),
        ("lth", 30, {"rounds": 2}),
        ("lth", 30, {"rounds": 3}),
    ]


def test_columns_of_a_study_agree_with_its_experiments(load: Load) -> None:
    study = load(SEVERAL.replace('structure = ["3x3"]', 'method = ["snip"]\ntarget_nnz = [9]'))
    table = specification_table(study, range(len(study)))
    assert table.column("experiment_id").to_pylist() == [e.experiment_id for e in study]
    assert table.column("hyperparameters").to_pylist()[3:5] == [None, '{"interval": 7}']
    assert list(pickle.loads(pickle.dumps(study))) == list(study)


def test_omitted_experiments_are_counted_once_per_combination(load: Load) -> None:
    study = load(
        '[base]\nmethod = "lth"\nwidth = 3\n[grid]\ntarget_nnz = [20, 27]\n[lth]\nrounds = [2, 3]'
    )
    assert (len(study), study.left_out) == (2, 2)


def test_repeated_experiment_is_found_across_hyperparameters(load: Load) -> None:
    tables = """
        [base]
        target_nnz = 20
        [[grid]]
        method = ["lth", "snip"]
        [[grid]]
        method = ["iter-rigl", "{method}"]
        [iter-rigl]
        interval = 7
        [lth]
        rounds = [5, 2]
    """
    with pytest.raises(SweepFileError, match=r"method = 'lth', .*masks = None$") as error:
        load(tables.format(method="lth"))
    assert "table 1, combination 1, and table 2, combination 2, are the same" in str(error.value)
    with pytest.raises(SweepFileError, match=r"hyperparameters = \(\('rounds', 2\),\)"):
        load(tables.format(method="lth").replace("[5, 2]", "[2, 5]"))
    with pytest.raises(SweepFileError, match="method = 'snip'"):
        load(tables.format(method="snip"))


def test_number_of_steps_is_that_of_the_data_set(load: Load) -> None:
    assert len(load(f'{GMP}dataset = "rings"\nepochs = 1')) == 1


def test_training_with_just_enough_steps_is_accepted(load: Load) -> None:
    assert len(load(f"{GMP}epochs = 20")) == 1  # of 1009 // 100 steps
    assert len(load(f"{GMP}epochs = 2\n[gmp]\nevents = [19, 20]")) == 2


MISTAKES = [
    # Tables.
    (
        f"{RIGL}[iter-rigle]\ninterval = 7",
        r"unknown key 'iter-rigle' \(did you mean 'iter-rigl'\?\); allowed: name, replicates, "
        "pair, base, grid, or hyperparameters in a table named after a method: lth, iter-rigl, "
        "gmp$",
    ),
    ("speed = 1", "unknown key 'speed'; allowed: name, replicates, pair, base, grid, or hyperpara"),
    (
        f"{RIGL}[lth]\nrounds = 3",
        r"\[lth\]: no experiment of the file has this method; allowed: tables of 'iter-rigl', or",
    ),
    (f"{RIGL}[lth]", r"\[lth\]: no experiment of the file has this method"),
    (f"iter-rigl = 3\n{RIGL}", r"iter-rigl cannot be 3; allowed: a table \[iter-rigl\]"),
    (f"{RIGL}[[iter-rigl]]\ninterval = 3", r"iter-rigl cannot be \[.*\]; allowed: a table \[iter"),
    # Keys.
    (
        f"{RIGL}[iter-rigl]\nintervall = 7",
        r"\[iter-rigl\]: unknown key 'intervall' \(did you mean 'interval'\?\); allowed: interval, "
        "drop_fraction$",
    ),
    (f"{RIGL}[snip]\nrounds = 7", r"\[snip\]: unknown key 'rounds'; method 'snip' has no hyperp"),
    (
        f"{RIGL}interval = 7",
        r"\[base\]: unknown key 'interval' .*\[iter-rigl\].*; allowed: method, dataset",
    ),
    (
        f"{RIGL}[grid]\ninterval = [7]",
        r"\[grid\]: unknown key 'interval' .*\[iter-rigl\]",
    ),
    (f"interval = 7\n{RIGL}", r"my\.toml: unknown key 'interval' .*\[iter-rigl\]"),
    (f"{RIGL}[base.iter-rigl]\ninterval = 7", r"\[base\]: unknown key 'iter-rigl'"),
    # Values.
    *(
        (
            f"{RIGL}[iter-rigl]\ninterval = {value}",
            rf"\[iter-rigl\]: interval cannot be {shown}; allowed: a whole number from 1 to",
        )
        for value, shown in [
            ("3.0", "3.0"),
            ("true", "true"),
            ("'7'", "'7'"),
            ("0", "0"),
            ("2147483648", "2147483648"),
            ("{a = 1}", "{'a': 1}"),
        ]
    ),
    *(
        (
            f"{RIGL}[iter-rigl]\ndrop_fraction = {value}",
            rf"\[iter-rigl\]: drop_fraction cannot be {shown}; allowed: a number from 0.0 to 1.0",
        )
        for value, shown in [
            ("nan", "nan"),
            ("-nan", "nan"),
            ("inf", "inf"),
            ("true", "true"),
            ("1.01", "1.01"),
            (f"1{'0' * 400}", "10+[.]{3}"),
        ]
    ),
    (
        f"{RIGL}[iter-rigl]\ninterval = [7, 0]",
        "interval, value 2 of the list, cannot be 0; allowed: a whole number from 1",
    ),
    (f"{RIGL}[iter-rigl]\ninterval = [[7]]", r"interval, value 1 of the list, cannot be \[7\]"),
    # Lists.
    (f"{RIGL}[iter-rigl]\ninterval = []", "interval is an empty list; allowed: one value or more"),
    (f"{RIGL}[iter-rigl]\ninterval = [7, 8, 7]", "interval .*7 twice"),
    (f"{RIGL}[iter-rigl]\ndrop_fraction = [1, 1.0]", "drop_fraction .*1.0 twice"),
    (f"{RIGL}[iter-rigl]\ndrop_fraction = [0.0, -0.0]", "drop_fraction .*0.0 twice"),
    (
        f"{RIGL}[iter-rigl]\ninterval = {list(range(1, 1002))}\n"
        f"drop_fraction = {[n / 1000 for n in range(100)]}",
        r"\[iter-rigl\]: .*100100 .*; allowed: 100000",
    ),
    # Steps.
    (
        f"{GMP}epochs = 19",
        r"\[base\] with \[grid\]: epochs cannot be 19 with batch_size 100: .*cubist-spiral .*190 "
        r".*'gmp' with events = 200 .*; allowed: epochs from 20, .*events up to 190 in \[gmp\]",
    ),
    (f"{GMP}epochs = 20\n[gmp]\nevents = [200, 201]", "events = 201 "),
    (f"{GMP}[grid]\nepochs = [50, 3, 40]", r"\[grid\]: epochs cannot be 3 with"),
    (
        '[base]\nmethod = "gmp"\nepochs = 1\n[grid]\ntarget_nnz = [20]\nbatch_size = [1, 1009]',
        "epochs cannot be 1 with batch_size 1009: .* epochs from 200, a smaller batch_size$",
    ),
    (
        f'{GMP}epochs = 2\n[grid]\ndataset = ["rings", "cubist-spiral"]',
        "epochs cannot be 2 with batch_size 100: on cubist-spiral",
    ),
    (
        '[base]\ntarget_nnz = 20\nbatch_size = 100\nepochs = 2\n[[grid]]\nmethod = ["snip"]\n'
        '[[grid]]\nmethod = ["lth", "gmp"]',
        r"\[base\] with \[\[grid\]\] table 2: epochs cannot be 2",
    ),
]


@pytest.mark.parametrize(
    ("text", "complaint"), MISTAKES, ids=[complaint for _, complaint in MISTAKES]
)
def test_mistake_is_refused(load: Load, text: str, complaint: str) -> None:
    with pytest.raises(SweepFileError, match=complaint):
        load(text)
