from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from scipy.stats import binomtest

import sparsest
from analysis.comparison import matched_difference
from analysis.store import QueryResult

ROW: dict[str, Any] = {
    "study": "made",
    "method": "snip",
    "dataset": "cubist-spiral",
    "width": 8,
    "structure": None,
    "masks": None,
    "layers": [2, 8, 8, 8, 1],
    "target_nnz": 30,
    "target_accuracy": None,
    "hyperparameters": None,
    "init_scheme": None,
    "lr": 0.1,
    "schedule": "cosine",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "batch_size": 128,
    "epochs": 50,
    "init": "fresh",
    "replicate": 0,
    "pair": True,
    "root_seed": 0,
    "status": "ok",
    "accuracy": 0.9,
    "weight_nnz": 30,
}
KINDS = {
    **dict.fromkeys(("structure", "hyperparameters", "init_scheme"), pa.string()),
    "masks": pa.list_(pa.string()),
}


def rows_of(changes: list[dict[str, Any]]) -> QueryResult:
    rows = [ROW | change for change in changes]
    table = pa.Table.from_pylist(rows)
    for name, kind in KINDS.items():
        position = table.schema.get_field_index(name)
        table = table.set_column(position, name, table.column(name).cast(kind))
    return QueryResult(table)


def paired(*outcomes: tuple[float | None, float | None], **changes: Any) -> list[dict[str, Any]]:
    return [
        {"method": method, "replicate": number, "accuracy": accuracy, **changes}
        for number, pair in enumerate(outcomes)
        for method, accuracy in zip(("snip", "gmp"), pair, strict=True)
    ]


def test_pairs_are_counted_by_which_one_reaches_the_target() -> None:
    rows = paired((0.96, 0.9), (0.97, 0.8), (0.99, 0.96), (0.5, 0.96), (0.1, 0.2), (0.96, None))
    (found,) = sparsest.compare(rows_of(rows), "snip", "gmp").arrow().to_pylist()
    assert (found["pairs"], found["only_first"], found["only_second"]) == (6, 3, 1)
    assert found["p_value"] == binomtest(3, 4).pvalue
    assert found["difference"] == pytest.approx(2 / 6)
    assert found["low"] < found["difference"] < found["high"]
    # The diverged training counts as a failure, and has no accuracy to subtract.
    assert found["accuracy_difference"] == pytest.approx((0.06 + 0.17 + 0.03 - 0.46 - 0.1) / 5)
    assert found["accuracy_low"] < found["accuracy_difference"] < found["accuracy_high"]


def test_settings_are_compared_one_by_one() -> None:
    rows = [*paired((0.9, 0.8), (0.8, 0.9)), *paired((0.96, 0.8), target_nnz=40)]
    found = sparsest.compare(rows_of(rows), "snip", "gmp").arrow()
    assert found.column("target_nnz").to_pylist() == [30, 40]
    assert found.column("pairs").to_pylist() == [2, 1]


def test_trainings_without_common_random_numbers_are_no_pairs() -> None:
    for changes in ({"pair": None}, {"pair": True, "study": "other"}):
        rows = paired((0.9, 0.8))
        rows[1] |= changes
        with pytest.raises(ValueError, match="pair = true"):
            sparsest.compare(rows_of(rows), "snip", "gmp")


def test_unknown_method_is_reported_with_the_methods_of_the_store() -> None:
    rows = rows_of(paired((0.9, 0.8), hyperparameters='{"walks": 3}'))
    for names in (("snip (walks=3)", "gmpp"), ("gmpp", "snip (walks=3)")):
        with pytest.raises(ValueError, match=r"'gmpp'.*gmp \(walks=3\), snip \(walks=3\)"):
            sparsest.compare(rows, *names)
    with pytest.raises(ValueError, match=r"'snip'.*snip \(walks=3\)"):
        sparsest.compare(rows, "snip", "gmp (walks=3)")


def test_settings_in_which_no_trainings_of_two_methods_agree_are_reported() -> None:
    rows = paired((0.9, 0.8), (0.8, 0.9))
    for row in rows[1::2]:
        row |= {"target_nnz": None, "target_accuracy": 0.95}
    rows[0]["lr"] = 0.2
    with pytest.raises(ValueError, match=r"target_nnz.*30.*none.*target_accuracy") as raised:
        sparsest.compare(rows_of(rows), "snip", "gmp")
    assert "lr" not in str(raised.value)


def test_interval_of_matched_proportions_adds_half_a_pair_to_each_outcome() -> None:
    interval = matched_difference(132, 107, 1144)
    assert interval.value == pytest.approx(25 / 1144)
    middle = 25 / 1146
    half = 1.959964 * ((240 / 1146 - middle**2) / 1146) ** 0.5
    assert (interval.low, interval.high) == pytest.approx((middle - half, middle + half))


def test_success_is_counted_for_each_setting_with_its_exact_interval() -> None:
    rows: list[dict[str, Any]] = [
        {"replicate": 0, "accuracy": 0.96, "weight_nnz": 25},
        {"replicate": 1, "accuracy": 0.97, "weight_nnz": 30},
        {"replicate": 2, "accuracy": None, "weight_nnz": None, "status": "diverged"},
        {"replicate": 3, "accuracy": None, "weight_nnz": None, "status": "failed"},
        {"replicate": 0, "lr": 0.2, "accuracy": 0.5},
    ]
    found = sparsest.success_rates(rows_of(rows)).arrow().to_pylist()
    assert [(row["lr"], row["trainings"], row["reached"]) for row in found] == [
        (0.1, 3, 2),
        (0.2, 1, 0),
    ]
    assert found[0]["probability"] == pytest.approx(2 / 3)
    assert found[0]["low"] < found[0]["probability"] < found[0]["high"]
    fewer = sparsest.success_rates(rows_of(rows), weights=25).arrow().column("reached")
    assert fewer.to_pylist() == [1, 0]
    with pytest.raises(ValueError, match="95"):
        sparsest.success_rates(rows_of(rows), target=95)


def test_success_of_listed_masks_is_counted_for_each_number_of_weights() -> None:
    listed: dict[str, Any] = {
        "method": "search",
        "structure": "2x2",
        "layers": [2, 2, 2, 1],
        "target_nnz": None,
    }
    rows = [
        {**listed, "masks": ["11|11", "10|01"], "accuracy": 0.96},
        {**listed, "masks": ["11|11", "01|10"], "accuracy": 0.5},
        {
            **listed,
            "masks": ["10|10", "11|11"],
            "accuracy": None,
            "weight_nnz": None,
            "status": "diverged",
        },
        {**listed, "masks": None, "accuracy": 0.97},
    ]
    found = sparsest.success_rates(rows_of(rows)).arrow().to_pylist()
    assert [(row["mask_weights"], row["trainings"], row["reached"]) for row in found] == [
        (8, 3, 1),
        (None, 1, 1),
    ]


def test_tables_keep_lengths_and_depths_apart() -> None:
    rows = sparsest.train("snip", width=4, target_nnz=16, epochs=[1, 2], depth=[2, 3])
    best = sparsest.sparsest_networks(rows, target=0.4).arrow()
    assert sorted(best.column("variant").to_pylist()) == [
        f"snip (depth={depth}, epochs={epochs})" for depth in (2, 3) for epochs in (1, 2)
    ]
    assert best.column("trainings").to_pylist() == [1] * 4
    assert len(sparsest.by_width(rows)) == 4
    one = rows.sql("FROM results WHERE epochs = 1 AND structure IS NULL")
    assert sparsest.pareto(one).arrow().column("variant").to_pylist() == ["snip"]


def test_table_by_width_keeps_targets_apart() -> None:
    rows = sparsest.train("snip", width=4, target_nnz=[14, 20], epochs=1, seeds=2)
    table = sparsest.by_width(rows).arrow()
    assert table.column("target_nnz").to_pylist() == [14, 20]
    assert table.column("trainings").to_pylist() == [2, 2]


def test_figures_are_drawn_on_given_axes() -> None:
    rows = sparsest.train("snip", width=4, target_nnz=[16, 20], epochs=1)
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert sparsest.plot_pareto(rows, target=0.4, ax=left) is figure
    assert sparsest.plot_sparsest(rows, target=0.4, ax=right) is figure
    assert len(figure.axes) == 2
    assert left.get_ylabel() == "accuracy"
    assert [label.get_text() for label in right.get_yticklabels()] == ["SNIP"]
    with pytest.raises(ValueError, match="nothing to plot"):
        sparsest.plot_pareto(rows, target=1.0)
