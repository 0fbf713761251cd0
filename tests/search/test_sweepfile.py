from __future__ import annotations

import hashlib
import pickle
from itertools import product
from pathlib import Path

import pytest

from search.datasets import DatasetSpec
from search.experiment import Experiment
from search.masks.burnside import count_distinct
from search.masks.sequences import AllMasks
from search.masks.text import parse_mask
from search.method import TO_TARGET, Method
from search.study import Study
from search.sweeps.file import MAX_FILE_BYTES, SweepFileError, load_sweep
from search.tsv import tsv_lines
from tests.search.conftest import Load

METHODS = {
    "search": Method("search", "explicit", frozenset({"structure", "masks"})),
    "snip": Method("snip", "before", TO_TARGET, xavier=True),
    "lth": Method("lth", "during", TO_TARGET, other_name="lottery"),
    "magic": Method("magic", "before", frozenset()),
    "both": Method("both", "before", frozenset({"structure", "masks", "target_nnz"})),
}
DATASETS = {
    "cubist-spiral": DatasetSpec("cubist-spiral", points=49_982, features=2),
    "rings": DatasetSpec("rings", points=10**9, features=2),
    "cubes": DatasetSpec("cubes", points=10**9, features=3),
    "ten-rings": DatasetSpec("ten-rings", points=10**9, features=2, classes=10),
}


@pytest.fixture(autouse=True)
def _other_methods_and_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.methods.METHODS", METHODS)
    monkeypatch.setattr("search.datasets.DATASETS", DATASETS)


def specs(study: Study, *fields: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(experiment, field) for field in fields) for experiment in study]


def test_missing_key_has_the_paper_s_value(load: Load) -> None:
    study = load('[grid]\nstructure = ["7x3x3"]')
    assert list(study) == [Experiment("my-sweep", structure=(7, 3, 3))]
    assert study.values("method") == {"search"}
    assert study.left_out == 0


def test_every_key_reaches_the_experiment(load: Load) -> None:
    study = load("""
        [base]
        method = "search"
        dataset = "rings"
        structure = "3x2"
        mask1 = "10|01|11"
        mask2 = "110|011"
        width = 8
        lr = 1
        schedule = "step"
        momentum = 0
        weight_decay = 1e-3
        batch_size = 64
        epochs = 3
        init = "fresh"
    """)
    (experiment,) = study
    assert experiment == Experiment(
        study="my-sweep",
        method="search",
        dataset="rings",
        structure=(3, 2),
        masks=("10|01|11", "110|011"),
        width=8,
        lr=1.0,
        schedule="step",
        momentum=0.0,
        weight_decay=1e-3,
        batch_size=64,
        epochs=3,
    )
    # As JSON, and so in the id, 1 and 1.0 differ.
    assert isinstance(experiment.lr, float)
    assert isinstance(experiment.momentum, float)


def test_every_combination_occurs_once_in_order(load: Load) -> None:
    study = load("""
        replicates = 2
        [grid]
        epochs = [2, 1]
        width = [16, 8]
        structure = ["3x2", "2x2"]
        lr = [0.1, 0.05]
        schedule = ["step", "cosine"]
    """)
    fields = ("replicate", "epochs", "lr", "schedule", "structure", "width")
    assert specs(study, *fields) == list(
        product((0, 1), (2, 1), (0.1, 0.05), ("step", "cosine"), ((3, 2), (2, 2)), (16, 8))
    )


def test_more_replicates_keep_the_first_experiments(load: Load) -> None:
    few, many = (
        load(f'replicates = {count}\n[grid]\nstructure = ["3x3", "2x2"]') for count in (2, 5)
    )
    assert [e.experiment_id for e in many][: len(few)] == [e.experiment_id for e in few]


def test_digest_does_not_depend_on_the_form_of_the_file(load: Load) -> None:
    wordings = [
        '[base]\nlr = 0.05\n[grid]\nstructure = ["3x3"]\nschedule = ["step", "cosine"]',
        '[grid]\nschedule = ["step", "cosine"]\nstructure = ["3x3"] # the same',
        'replicates = 1\n[base]\nstructure = "3x3"\nmomentum = 0.9\n'
        '[[grid]]\nmasks = "dense"\nschedule = ["step", "cosine"]\nlr = [5e-2]',
    ]
    studies = [load(wording) for wording in wordings]
    assert len({study.digest for study in studies}) == 1
    assert len({study.file_sha256 for study in studies}) == len(wordings)
    other = load('[grid]\nstructure = ["3x3"]\nschedule = ["cosine", "step"]')
    assert other.digest != studies[0].digest


def test_zero_has_no_sign(load: Load) -> None:
    signed = load('[base]\nweight_decay = -0.0\nmomentum = -0.0\nstructure = "3x3"')
    unsigned = load('[base]\nweight_decay = 0.0\nmomentum = 0\nstructure = "3x3"')
    assert signed.digest == unsigned.digest
    assert signed[0].experiment_id == unsigned[0].experiment_id


def test_file_is_recorded_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    content = b'name = "a"\r\n[base] # \xc3\xa9\r\nstructure = "3x3"\r\n'
    path.write_bytes(content)
    study = load_sweep(path)
    assert study.file_sha256 == hashlib.sha256(content).hexdigest()
    assert study.label(0) == "a:1"


def test_all_masks_are_the_eligible_ones_of_each_hidden_layer(load: Load) -> None:
    study = load('[grid]\nstructure = ["3x2"]\nmasks = "all"')
    first, second = AllMasks(3, 2), AllMasks(2, 3)
    assert specs(study, "structure", "masks") == [
        ((3, 2), (first[one], second[two]))
        for one, two in product(range(first.size), range(second.size))
    ]


def test_distinct_masks_have_the_ids_that_they_have_in_all(load: Load) -> None:
    every, distinct = (
        load(f'[base]\nlr = 0.1\n[grid]\nstructure = ["3x2x2", "2x3"]\nmasks = "{kind}"')
        for kind in ("all", "distinct")
    )
    assert len(distinct) == 273 + 29 < len(every)
    places = {experiment.experiment_id: place for place, experiment in enumerate(every)}
    found = [places[experiment.experiment_id] for experiment in distinct]
    assert found == sorted(found)
    assert distinct.digest != every.digest
    assert list(pickle.loads(pickle.dumps(distinct))) == list(distinct)


def test_distinct_masks_have_the_inputs_of_the_data_set(load: Load) -> None:
    study = load('[base]\ndataset = "cubes"\nmasks = "distinct"\n[grid]\nstructure = ["2x2"]')
    assert {parse_mask(experiment.masks[0]).shape for experiment in study} == {(2, 3)}
    assert len(study) == count_distinct(3, (2, 2)).networks


def test_network_in_a_table_of_all_and_one_of_distinct_is_refused(load: Load) -> None:
    table = '[[grid]]\nstructure = ["3x2"]\nmasks = "{}"\n'
    with pytest.raises(SweepFileError, match=r"table 1, combination .*table 2, combination"):
        load(table.format("all") + table.format("distinct"))


def test_masks_can_be_a_list(load: Load) -> None:
    study = load('[grid]\nstructure = ["3x2"]\nmasks = ["dense", "all"]')
    assert len(study) == 1 + 8 * 13
    assert [len(experiment.masks) for experiment in study[:2]] == [0, 2]


def test_billions_of_masks_are_indexed_fast(load: Load) -> None:
    study = load('replicates = 9\n[grid]\nstructure = ["4x4x4x4"]\nmasks = "all"')
    assert len(study) > 10**11
    assert study[len(study) - 1].masks == ("11|11|11|11", *["1111|1111|1111|1111"] * 3)
    assert len(pickle.dumps(study)) < 3000


def test_layers_before_a_listed_mask_are_dense(load: Load) -> None:
    study = load('[grid]\nstructure = ["2x3x2"]\nmask2 = ["10|01|11", "11|11|01"]')
    assert specs(study, "masks") == [(("11|11", "10|01|11"),), (("11|11", "11|11|01"),)]


def test_mask_keys_vary_from_the_first_layer_to_the_last(load: Load) -> None:
    study = load("""
        [grid]
        structure = ["1x1x1x1x1x1x1x1x1x1"]
        mask10 = ["1", "0"]
        mask2 = ["1", "0"]
    """)
    ones = ("1",) * 7
    assert specs(study, "masks") == [
        (("11", two, *ones, ten),) for two, ten in product("10", repeat=2)
    ]


def test_output_layer_can_have_a_mask(load: Load) -> None:
    study = load('[grid]\nstructure = ["2x3"]\nmask2 = ["10|01|11"]\nmask3 = ["101", "010"]')
    assert specs(study, "masks") == [
        (("11|11", "10|01|11", "101"),),
        (("11|11", "10|01|11", "010"),),
    ]
    deepest = load('[grid]\nstructure = ["2x2x2"]\nmask4 = ["01"]')
    assert list(tsv_lines(deepest, [0])) == [
        "my-sweep:1\tsearch\t16\t0.05\tcosine\t50\t-\t2x2x2\t11|11\t11|11\t11|11\t01"
    ]


def test_outputs_of_the_data_set_count_as_weights(load: Load) -> None:
    study = load("""
        [base]
        dataset = "ten-rings"
        [[grid]]
        structure = ["2"]
        mask2 = ["10|11|01|10|11|01|10|11|01|10"]
        [[grid]]
        method = ["snip"]
        structure = ["2"]
        target_nnz = [23, 24]
    """)
    assert specs(study, "target_nnz") == [(None,), (23,)]  # of 2 * 2 + 2 * 10 weights


def test_degenerate_masks_are_allowed(load: Load) -> None:
    study = load('[grid]\nstructure = ["2x1"]\nmask1 = ["00|00"]')
    assert study[0].masks == ("00|00",)


def test_file_can_have_tables_with_different_methods(load: Load) -> None:
    study = load("""
        [base]
        lr = 0.1
        [[grid]]
        structure = ["3x3", "2x2"]
        [[grid]]
        method = ["lth", "snip"]
        target_nnz = [20]
    """)
    assert specs(study, "method", "structure", "target_nnz", "lr") == [
        ("search", (3, 3), None, 0.1),
        ("search", (2, 2), None, 0.1),
        ("lth", None, 20, 0.1),
        ("snip", None, 20, 0.1),
    ]
    assert study.values("method") == {"search", "lth", "snip"}


def test_targets_not_below_the_weights_are_omitted_and_counted(load: Load) -> None:
    study = load("""
        replicates = 5
        [grid]
        method = ["snip", "lth"]
        width = [3, 16]
        target_nnz = [26, 27, 30]
        lr = [0.05, 0.1]
    """)
    sizes = {(e.width, e.target_nnz) for e in study}
    assert sizes == {(3, 26), (16, 26), (16, 27), (16, 30)}  # width 3 has 27 weights
    assert study.left_out == 5 * 2 * 2 * 2
    assert len(study) + study.left_out == 5 * 2 * 2 * 3 * 2


def test_weights_are_counted_with_the_inputs_of_the_data_set(load: Load) -> None:
    study = load("""
        [base]
        dataset = "cubes"
        method = "snip"
        width = 3
        [grid]
        target_nnz = [26, 29, 30]
    """)
    assert specs(study, "target_nnz") == [(26,), (29,)]  # 3x3 + 3x3 + 3x3 + 3 weights
    masked = load('[base]\ndataset = "cubes"\nstructure = "2x1"\nmask1 = "100|011"')
    assert masked[0].masks == ("100|011",)


def test_weights_of_a_structure_bound_its_targets(load: Load) -> None:
    study = load("""
        [base]
        method = "both"
        [grid]
        structure = ["2x2", "3x2"]
        target_nnz = [9, 10, 13]
    """)
    assert specs(study, "structure", "target_nnz") == [
        ((2, 2), 9),  # of 4 + 4 + 2 weights
        ((3, 2), 9),  # of 6 + 6 + 2
        ((3, 2), 10),
        ((3, 2), 13),
    ]
    assert study.left_out == 2


def test_pruning_starts_from_networks_of_any_depth_and_of_unequal_widths(load: Load) -> None:
    study = load("""
        [base]
        method = "snip"
        [grid]
        structure = ["5", "8x4", "4x4x4", "2x3x2x3"]
        target_nnz = [14, 15]
    """)
    assert specs(study, "structure", "width", "target_nnz") == [
        ((5,), 5, 14),  # of 10 + 5 weights
        ((8, 4), 8, 14),
        ((8, 4), 8, 15),
        (None, 4, 14),
        (None, 4, 15),
        ((2, 3, 2, 3), 3, 14),
        ((2, 3, 2, 3), 3, 15),
    ]
    assert study.left_out == 1


def test_depth_is_the_number_of_layers_of_each_width(load: Load) -> None:
    study = load('[base]\nmethod = "magic"\n[grid]\ndepth = [1, 3, 4]\nwidth = [2, 5]')
    assert specs(study, "structure", "width") == [
        ((2,), 2),
        ((5,), 5),
        (None, 2),
        (None, 5),
        ((2, 2, 2, 2), 2),
        ((5, 5, 5, 5), 5),
    ]


def test_three_layers_of_one_width_are_the_same_sweep_however_they_are_written(load: Load) -> None:
    table = '[base]\nmethod = "snip"\n[grid]\ntarget_nnz = [20, 26]\n'
    width = load(table + "width = [3, 16]")
    assert load(table + "width = [3, 16]\ndepth = [3]").digest == width.digest
    assert load(table + 'structure = ["3x3x3", "16x16x16"]').digest == width.digest
    mixed = load(table + 'structure = ["3x3x3", "16x16", "16x16x16"]')
    assert {e.experiment_id for e in width} < {e.experiment_id for e in mixed}


def test_scheme_of_the_method_is_the_same_experiment_as_none(load: Load) -> None:
    table = '[base]\ntarget_nnz = 30\n[grid]\nmethod = ["snip", "lth"]\n'
    usual = load(table)
    varied = load(table + 'init_scheme = ["torch", "kaiming", "xavier"]')
    assert specs(varied, "method", "init_scheme") == [
        ("snip", "torch"),
        ("snip", "kaiming"),
        ("snip", None),  # it redraws weights from Xavier's distribution
        ("lth", None),
        ("lth", "kaiming"),
        ("lth", "xavier"),
    ]
    assert {e.experiment_id for e in usual} < {e.experiment_id for e in varied}
    lth = '[base]\nmethod = "lth"\ntarget_nnz = 30\n'
    assert load(lth + 'init_scheme = "torch"').digest == load(lth).digest


def test_every_mask_of_a_structure_is_omitted_with_its_target(load: Load) -> None:
    study = load("""
        [base]
        method = "both"
        structure = "2x2"
        masks = "all"
        [grid]
        target_nnz = [9, 10, 11]
    """)
    assert len(study) == 4 * 4
    assert study.left_out == 2 * 4 * 4


def test_batch_can_be_the_whole_data_set(load: Load) -> None:
    assert load('[base]\nstructure = "3x3"\nbatch_size = 49982')[0].batch_size == 49_982


def test_method_can_use_only_the_common_keys(load: Load) -> None:
    study = load('[grid]\nmethod = ["magic"]\nwidth = [3, 4]')
    assert list(study) == [Experiment("my-sweep", method="magic", width=width) for width in (3, 4)]


def test_sweep_can_have_stored_and_fresh_initialisations(load: Load) -> None:
    study = load('[grid]\nstructure = ["3x3x3"]\ninit = ["fresh", "bench-995", "bench-95"]')
    assert study.init_names == ("bench-95", "bench-995")
    resolved = study.with_init("bench-995:aa").with_init("bench-95:bb")
    assert specs(resolved, "init") == [("fresh",), ("bench-995:aa",), ("bench-95:bb",)]


def test_tables_with_common_values_but_no_common_experiment_are_accepted(
    load: Load,
) -> None:
    study = load("""
        [[grid]]
        structure = ["3x3"]
        mask1 = ["10|01|11"]
        [[grid]]
        structure = ["3x3"]
        mask1 = ["11|01|11"]
    """)
    assert len(study) == 2


def test_repeated_experiment_is_refused_with_both_positions(load: Load) -> None:
    with pytest.raises(SweepFileError) as error:
        load("""
            [[grid]]
            structure = ["2x2"]
            lr = [0.1, 0.2]
            [[grid]]
            method = ["snip"]
            target_nnz = [20]
            [[grid]]
            structure = ["3x3", "2x2"]
            lr = [0.3, 0.2]
        """)
    assert "[[grid]] table 1, combination 2" in str(error.value)
    assert "table 3, combination 4" in str(error.value)
    assert "lr = 0.2" in str(error.value)


def test_every_problem_is_reported_with_its_table(load: Load) -> None:
    with pytest.raises(SweepFileError) as error:
        load("""
            [base]
            momentum = 1
            [[grid]]
            structure = ["3x3"]
            [[grid]]
            lr = [0.1, -1]
        """)
    first, second = str(error.value).splitlines()
    assert "my.toml: [base]: momentum cannot be 1; allowed: a number from 0 to below 1" in first
    assert "my.toml: [[grid]] table 2: lr, value 2 of the list, cannot be -1; allowed:" in second


STRUCTURE = 'structure = ["3x3x3"]'


MISTAKES = [
    # Keys.
    ("speed = 1", "unknown key 'speed'; allowed: name, replicates, pair, base, grid"),
    (f"[grid]\n{STRUCTURE}\nlrr = [1]", r"unknown key 'lrr' \(did you mean 'lr'\?\); allowed:"),
    ("[base]\nmask0 = '11'", "unknown key 'mask0'"),
    ("[base]\nreplicates = 2", r"\[base\]: unknown key 'replicates'"),
    (f"[base]\nlr = 0.1\n[grid]\n{STRUCTURE}\nlr = [0.1]", r"lr .*\[base\]"),
    ("[grid]\nlr = [0.1]", "structure is missing: method 'search'"),
    ("", r"\[grid\]: structure is missing"),
    ('[grid]\nmethod = ["SNIP"]', r"cannot be 'SNIP' \(did you mean 'snip'\?\); allowed: 'search'"),
    (
        '[base]\nmethod = "Lottery"',
        r"cannot be 'Lottery' \(the name of 'lth' in the paper's lists\); allowed: 'search'",
    ),
    ('[base]\nmasks = "All"', r"masks cannot be 'All' \(did you mean 'all'\?\); allowed: 'dense'"),
    (f"[grid]\n{STRUCTURE}\nLR = [1]", r"unknown key 'LR' \(did you mean 'lr'\?\); allowed:"),
    ('[grid]\nmethod = ["snip"]', "target_nnz is missing: method 'snip'"),
    (
        f'[grid]\nmethod = ["snip"]\n{STRUCTURE}\nwidth = [16]\ntarget_nnz = [20]',
        "width and structure exclude each other",
    ),
    (
        f'[base]\ndepth = 2\n[grid]\nmethod = ["snip"]\n{STRUCTURE}\ntarget_nnz = [20]',
        "depth and structure exclude each other",
    ),
    (f"[grid]\n{STRUCTURE}\ndepth = [3]", "depth is the number of layers of structure"),
    (
        '[grid]\nmethod = ["magic", "search"]\nstructure = ["3x3"]',
        "method has 'magic' and 'search'.*different .*tables",
    ),
    ('[grid]\nmethod = ["magic"]\ndepth = [0]', "depth.* cannot be 0; allowed: .*1 to 64"),
    (
        '[grid]\nmethod = ["magic"]\nstructure = ["70000x70000"]',
        "structure cannot be 70000x70000",
    ),
    (
        '[base]\ninit = "bench-95"\n[grid]\nmethod = ["magic"]\ndepth = [2]',
        "init bench-95 .*2 hidden layers",
    ),
    (
        '[[grid]]\nmethod = ["magic"]\nwidth = [5]\n[[grid]]\nmethod = ["magic"]\n'
        'structure = ["5x5x5"]',
        "table 1, combination 1, and table 2, combination 1, are the same",
    ),
    (
        '[grid]\nmethod = ["snip"]\nmask1 = ["11"]\ntarget_nnz = [20]',
        "mask1 is not used by method 'snip'; allowed with: 'search'",
    ),
    (
        f"[base]\ntarget_nnz = 20\n[grid]\n{STRUCTURE}",
        r"\[base\] with \[grid\]: target_nnz is not used by method 'search'; allowed with: "
        "'snip', 'lth'",
    ),
    (
        f'[grid]\n{STRUCTURE}\nmasks = "dense"\nmask1 = ["11|11|11"]',
        "masks and mask1",
    ),
    # Types.
    ("[grid]\nlr = 0.1", r"lr must be a list in \[grid\], such as lr = \[...\], not 0.1"),
    ("[base]\nlr = [0.1]", r"lr cannot be \[0.1\]"),
    ('[base]\nlr = "0.1"', "lr cannot be '0.1'"),
    ("[base]\nlr = true", "lr cannot be true; allowed: a number above 0"),
    ("[base]\nlr = 2020-01-01", "lr cannot be datetime"),
    ("[grid]\nepochs = [true]", "epochs, value 1 of the list, cannot be true"),
    ("[base]\nepochs = 50.0", "epochs cannot be 50.0"),
    ("[base]\nmethod = 3", "method cannot be 3"),
    ("[base]\nstructure = [3, 3, 3]", r"structure cannot be \[3, 3, 3\]"),
    ("base = 3", r"base cannot be 3; allowed: a table \[base\]"),
    ("grid = 3", r"grid cannot be 3; allowed: a table \[grid\]"),
    ("grid = [3]", r"\[\[grid\]\] table 1: must be a table, not 3"),
    ("replicates = true", "replicates cannot be true"),
    ("replicates = 1.0", "replicates cannot be 1.0"),
    # Impossible values.
    ("replicates = 0", "replicates cannot be 0; allowed: a whole number from 1"),
    ("[base]\nlr = 0", "lr cannot be 0; allowed: a number above 0"),
    ("[base]\nlr = nan", "lr cannot be nan"),
    ("[base]\nlr = inf", "lr cannot be inf"),
    (f"[base]\nlr = 1{'0' * 400}", "lr cannot be 1000"),
    ("[base]\nmomentum = -0.1", "momentum cannot be -0.1"),
    ("[base]\nmomentum = nan", "momentum cannot be nan"),
    ("[base]\nweight_decay = -1", "weight_decay cannot be -1; allowed: a number from 0"),
    ("[base]\nweight_decay = inf", "weight_decay cannot be inf"),
    ("[base]\nepochs = 0", "epochs cannot be 0"),
    ("[base]\nwidth = 0", "width cannot be 0"),
    ("[base]\nwidth = 2147483648", "width cannot be 2147483648"),
    ("[base]\ntarget_nnz = 0", "target_nnz cannot be 0"),
    ("[base]\nbatch_size = 0", "batch_size cannot be 0"),
    (
        f"[base]\nbatch_size = 49983\n[grid]\n{STRUCTURE}",
        "batch_size cannot be 49983: cubist-spiral has 49982 points; allowed: 1 to 49982",
    ),
    ('[base]\nmethod = "snap"', r"'snap' \(did you mean 'snip'\?\); allowed: 'search', 'snip'"),
    ('[base]\ndataset = "mnist"', "dataset cannot be 'mnist'; allowed: 'cubist-spiral'"),
    ('[base]\nschedule = "linear"', "allowed: 'cosine', 'step', 'constant'"),
    ('[base]\ninit = "bench-95:aa"', "allowed: 'fresh', 'bench-95', 'bench-995'"),
    ('[base]\nmasks = "some"', "masks cannot be 'some'; allowed: 'dense', 'all', 'distinct'"),
    (f"[base]\nwidth = 100000\n[grid]\n{STRUCTURE}", "width cannot be 100000"),
    # Structures.
    ('[base]\nstructure = "3x0x3"', "structure cannot be '3x0x3'"),
    ('[base]\nstructure = "03x3"', "structure cannot be '03x3'"),
    ('[base]\nstructure = "3 x 3"', "structure cannot be '3 x 3'"),
    ('[base]\nstructure = "3x3\\n"', "structure cannot be"),
    ('[base]\nstructure = ""', "structure cannot be ''"),
    (f'[base]\nstructure = "{"x".join("1" * 65)}"', "neurons of 1 to 64 hidden layers"),
    (
        '[grid]\nstructure = ["3x3", "3x9"]\nwidth = [16, 8]',
        "structure 3x9 .*width 8; allowed: .*8.*9",
    ),
    (
        f'[base]\ninit = "bench-95"\nwidth = 17\n[grid]\n{STRUCTURE}',
        "init bench-95 .*17",
    ),
    (
        '[base]\ninit = "bench-995"\n[grid]\nstructure = ["3x3"]',
        "init bench-995 .*2 hidden layers",
    ),
    (
        f'[base]\ninit = "bench-95"\n[grid]\n{STRUCTURE}\ndataset = ["cubes"]',
        "init bench-95 .*cubes.* 3 inputs and 1 outputs",
    ),
    (
        f'[base]\ninit = "bench-995"\n[grid]\n{STRUCTURE}\ndataset = ["ten-rings"]',
        "init bench-995 .*ten-rings.* 2 inputs and 10 outputs",
    ),
    (
        f'[base]\ninit_scheme = "kaiming"\n[grid]\n{STRUCTURE}\ninit = ["fresh", "bench-95"]',
        "init_scheme has no effect on .*bench-95",
    ),
    # Masks.
    (
        '[base]\nstructure = "2x3"\nmask1 = "10|01|11"',
        "mask1 '10|01|11' .*structure 2x3: .*3 rows and 2 columns; allowed: 2 rows .* 2 columns",
    ),
    (
        '[grid]\nstructure = ["3x2", "2x2"]\nmask1 = ["10|01|11"]',
        "mask1 .*structure 2x2",
    ),
    (
        '[base]\nstructure = "2x3"\nmask4 = "111"',
        "mask4 .*structure 2x3; allowed: mask1 to mask3",
    ),
    ('[base]\nmask1 = "10|2"', "mask1 cannot be '10|2'; allowed: rows of 0 and 1"),
    ('[base]\nmask1 = "10|1"', "mask1 cannot be '10|1'"),
    (
        '[grid]\nstructure = ["16x16"]\nmasks = "all"',
        "masks cannot be 'all': .*16 outputs and 16 inputs",
    ),
    (
        '[grid]\nwidth = [32]\nstructure = ["32x32"]\nmasks = "all"',
        "masks cannot be 'all': .*512",
    ),
    (
        '[grid]\nstructure = ["3x3x3", "8x3x3"]\nmasks = "distinct"',
        "masks cannot be 'distinct': 8x3x3 .*29,388,359 .*; allowed: .*10,000,000",
    ),
    (
        '[grid]\nstructure = ["3x2"]\nmasks = ["distinct", "all"]',
        "masks .*'all' and 'distinct'",
    ),
    (
        '[grid]\nstructure = ["8x8x8x8"]\nmasks = "all"',
        r"my-sweep .*10\^\d+ experiments.*2\^63 - 1",
    ),
    # Lists.
    ("[grid]\nlr = []", "lr is an empty list"),
    ("grid = []", "grid is an empty list"),
    ("[grid]\nlr = [0.1, 0.2, 0.1]", "lr .*0.1 twice"),
    ("[grid]\nlr = [1, 1.0]", "lr .*1.0 twice"),
    ('[grid]\nstructure = ["3x3", "3x3"]', "structure .*'3x3' twice"),
    (f"[grid]\nepochs = [{'1,' * 100_001}]", "epochs has more values than the 100000 allowed"),
    (f"grid = [{'{},' * 1001}]", "grid has more values than the 1000 allowed"),
    (
        '[grid]\ndataset = ["cubist-spiral", "cubes"]\nstructure = ["3x3"]',
        "dataset .*different",
    ),
    (
        '[grid]\nmethod = ["snip"]\nwidth = [3]\ntarget_nnz = [27, 30]\nlr = [0.1, 0.2]',
        "4 .*target_nnz",
    ),
    (
        f"[grid]\nmethod = ['snip']\nwidth = {list(range(1, 1101))}\n"
        f"target_nnz = {list(range(1, 1001))}",
        "width with target_nnz .*1100000",
    ),
]


@pytest.mark.parametrize(
    ("text", "complaint"), MISTAKES, ids=[complaint for _, complaint in MISTAKES]
)
def test_mistake_is_refused(load: Load, text: str, complaint: str) -> None:
    with pytest.raises(SweepFileError, match=complaint):
        load(text)


@pytest.mark.parametrize(
    "name", ["", "A", "-a", ".a", "a b", "a/b", "a:1", "é", "a\\n", "a" * 65, "..", "_x"]
)
def test_invalid_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "f.toml"
    path.write_text(f'name = "{name}"\n[grid]\n{STRUCTURE}')
    with pytest.raises(SweepFileError, match=r"name cannot be .*; allowed: 1 to 64 of"):
        load_sweep(path)


@pytest.mark.parametrize("name", ["phase1", "paper", "demo", "random", "fixed-95"])
def test_reserved_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "f.toml"
    path.write_text(f'name = "{name}"\n[grid]\n{STRUCTURE}')
    with pytest.raises(SweepFileError, match=f"name '{name}'"):
        load_sweep(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[grid]\nstructure = ['3x3']", "name is missing; allowed: 1 to 64 of"),
        (b"name = 3", "name cannot be 3"),
        (b"\xff", "not UTF-8 text: byte 0"),
        (b"name = 1 2", "not TOML: .*line 1"),
        (b"a = 1\na = 2", "not TOML"),
        pytest.param(b"a = " + b"[" * 100_000, "nested too deeply", id="nested"),
        pytest.param(b"a = " + b"9" * 5000, "not TOML", id="long number"),
        pytest.param(b"#" * (MAX_FILE_BYTES + 1), "larger than the 1048576 bytes", id="large"),
    ],
)
def test_invalid_file_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(content)
    with pytest.raises(SweepFileError, match=complaint):
        load_sweep(path)


def test_unreadable_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError, match=r"none\.toml: cannot be read: No such file"):
        load_sweep(tmp_path / "none.toml")
    with pytest.raises(SweepFileError, match="cannot be read: Is a directory"):
        load_sweep(tmp_path)
