"""Tables and figures for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sparsest
from analysis.figures.series import ACCURACY
from analysis.methods import name_of, styles_for
from search.indices import IndexSet
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

PRUNED = {"method": "snip", "target_nnz": 20, "structure": None, "masks": None}
NETWORKS: list[dict[str, Any]] = [
    {"weight_nnz": 20, "accuracy": 0.96},
    {"weight_nnz": 20, "accuracy": 0.97},
    {"weight_nnz": 34, "accuracy": 0.996},
    {"weight_nnz": 30, "accuracy": 0.96},
    {"weight_nnz": 5, "accuracy": 0.99, "init": "bench-95:0123456789abcdef"},
    {"weight_nnz": 25, "accuracy": 0.95, "width": 8, **PRUNED},
    {"weight_nnz": 25, "accuracy": 0.94, "width": 8, **PRUNED},
    {"weight_nnz": 22, "accuracy": 0.80, "width": 4, **PRUNED},
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sparsest.Store]:
    path = tmp_path_factory.mktemp("made") / "store"
    write_store(path, NETWORKS)
    with sparsest.open(path) as opened:
        yield opened


def write_store(path: Path, networks: list[dict[str, Any]]) -> None:
    """Write rows with these columns, and a diverged one."""
    made = Rows()
    rows = [
        made.row(index, model_nnz=network["weight_nnz"] + 9, **network)
        for index, network in enumerate(networks)
    ] + [made.diverged(len(networks))]
    with StoreWriter(path) as writer:
        writer.begin_sweep(made.begin())
        indices = IndexSet.of([(0, len(rows))])
        writer.append(made.batch(rows), made.digest, made.study, indices)


def indices(table: sparsest.QueryResult) -> list[int]:
    """Return the rows' indices in `NETWORKS`."""
    ids = [Rows().row(index)["experiment_id"] for index in range(len(NETWORKS))]
    return [ids.index(row["experiment_id"]) for row in table.arrow().to_pylist()]


def test_sparsest_networks_have_the_fewest_weights(store: sparsest.Store) -> None:
    table = sparsest.sparsest_networks(store)
    assert indices(table) == [1, 5, 2]
    rows = table.arrow().to_pylist()
    assert [(row["target"], row["method"]) for row in rows] == [
        (0.95, "search"),
        (0.95, "snip"),
        (0.995, "search"),
    ]
    assert [row["gap"] for row in rows] == [0, 5, 0]
    assert [row["networks"] for row in rows] == [4, 1, 1]
    assert [row["trainings"] for row in rows] == [4, 3, 4]
    assert [row["root_seeds"] for row in rows] == [1, 1, 1]


def test_accuracy_that_no_network_reaches_has_no_row(store: sparsest.Store) -> None:
    assert len(sparsest.sparsest_networks(store, [0.9966])) == 0
    assert len(sparsest.sparsest_networks(store, [0.9966, 0.5])) == 2


def test_repeated_accuracy_counts_its_networks_once(store: sparsest.Store) -> None:
    once = sparsest.sparsest_networks(store, [0.95, 0.5]).arrow()
    assert sparsest.sparsest_networks(store, [0.95, 0.5, 0.95]).arrow() == once


@pytest.mark.parametrize("targets", [[], [95], [-0.1], [float("nan")]])
def test_target_that_is_not_an_accuracy_is_refused(
    store: sparsest.Store, targets: list[float]
) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        sparsest.sparsest_networks(store, targets)


def test_pareto_networks_beat_every_sparser_one(store: sparsest.Store) -> None:
    assert indices(sparsest.pareto(store)) == [1, 2, 7, 5]


def test_widths_are_separate(store: sparsest.Store) -> None:
    rows = sparsest.by_width(store).arrow().to_pylist()
    assert [(row["method"], row["width"], row["trainings"]) for row in rows] == [
        ("snip", 4, 1),
        ("snip", 8, 2),
    ]
    assert [row["fewest_95"] for row in rows] == [None, 25]
    assert rows[1]["median"] == pytest.approx(0.945)


def test_structures_and_schemes_are_separate(tmp_path: Path) -> None:
    deep = {**NETWORKS[6], "structure": "8x8", "accuracy": 0.99}
    kaiming = {**NETWORKS[6], "init_scheme": "kaiming", "accuracy": 0.98}
    write_store(tmp_path / "store", [*NETWORKS, deep, kaiming])
    with sparsest.open(tmp_path / "store") as opened:
        rows = sparsest.by_width(opened).arrow().to_pylist()
        best = sparsest.sparsest_networks(opened, [0.95]).arrow().to_pylist()
    assert [(row["variant"], row["structure"], row["width"], row["best"]) for row in rows] == [
        ("snip", None, 4, 0.8),
        ("snip", None, 8, 0.95),
        ("snip", "8x8", 8, 0.99),
        ("snip (init_scheme=kaiming)", None, 8, 0.98),
    ]
    trainings = {row["variant"]: row["trainings"] for row in best}
    assert trainings["snip"] == 4
    assert trainings["snip (init_scheme=kaiming)"] == 1


def test_each_method_has_its_own_line(store: sparsest.Store) -> None:
    (axes,) = sparsest.plot_pareto(store).axes
    lines = {str(line.get_label()): line.get_xydata() for line in axes.lines}
    assert {"search", "SNIP"} <= set(lines)
    assert lines["search"].tolist() == [  # type: ignore[union-attr]
        [20, ACCURACY.position(0.97)],
        [34, ACCURACY.position(0.996)],
    ]
    assert lines["SNIP"].tolist() == [  # type: ignore[union-attr]
        [22, ACCURACY.position(0.8)],
        [25, ACCURACY.position(0.95)],
    ]
    (only,) = sparsest.plot_pareto(store, ["snip"]).axes
    assert "search" not in [line.get_label() for line in only.lines]


def test_method_has_the_colour_of_the_report(store: sparsest.Store) -> None:
    (axes,) = sparsest.plot_pareto(store).axes
    for line in axes.lines:
        for method in ("search", "snip"):
            if line.get_label() == name_of(method):
                assert line.get_color() == styles_for(["search", "snip"])[method].light


def test_axis_covers_the_networks(tmp_path: Path) -> None:
    write_store(tmp_path / "store", [{"weight_nnz": n, "accuracy": n / 3000} for n in (900, 2500)])
    with sparsest.open(tmp_path / "store") as opened:
        (axes,) = sparsest.plot_pareto(opened).axes
    low, high = axes.get_xlim()
    assert 800 < low < 900
    assert 2500 < high < 2600


def test_data_sets_are_compared_separately(tmp_path: Path) -> None:
    moons = [{**network, "dataset": "moons", "accuracy": 0.99} for network in NETWORKS[-3:]]
    write_store(tmp_path / "store", [*NETWORKS, *moons])
    functions = (
        sparsest.sparsest_networks,
        sparsest.pareto,
        sparsest.by_width,
        sparsest.plot_pareto,
        sparsest.plot_sparsest,
    )
    with sparsest.open(tmp_path / "store") as opened:
        for function in functions:
            with pytest.raises(ValueError, match="cubist-spiral, moons"):
                function(opened)
            with pytest.raises(ValueError, match="no rows of rings"):
                function(opened, dataset="rings")
            function(opened, dataset="moons")
        spiral = sparsest.sparsest_networks(opened, dataset="cubist-spiral")
        assert indices(spiral) == [1, 5, 2]
        rows = sparsest.sparsest_networks(opened, dataset="moons").arrow().to_pylist()
    assert {row["method"] for row in rows} == {"snip"}


def test_methods_with_other_settings_are_separate(tmp_path: Path) -> None:
    tuned = {**NETWORKS[5], "hyperparameters": '{"batches": 4}', "weight_nnz": 21}
    write_store(tmp_path / "store", [*NETWORKS, tuned, {**NETWORKS[5], "root_seed": 7}])
    with sparsest.open(tmp_path / "store") as opened:
        rows = sparsest.sparsest_networks(opened, [0.95]).arrow().to_pylist()
        found = {(row["method"], row["hyperparameters"]): row for row in rows}
        assert found["snip", '{"batches": 4}']["weight_nnz"] == 21
        assert found["snip", None]["weight_nnz"] == 25
        assert found["snip", None]["root_seeds"] == 2
        widths = sparsest.by_width(opened).arrow().to_pylist()
        assert [row["trainings"] for row in widths] == [1, 3, 1]
        (axes,) = sparsest.plot_pareto(opened).axes
        lines = {line.get_label(): line for line in axes.lines}
        assert {"SNIP", "SNIP (batches=4)"} <= set(lines)
        assert lines["SNIP"].get_color() != lines["SNIP (batches=4)"].get_color()


def test_unknown_method_is_refused(store: sparsest.Store) -> None:
    with pytest.raises(ValueError, match=r"lth.*search, snip"):
        sparsest.plot_pareto(store, ["lth"])


def test_points_are_on_the_line_of_their_method(store: sparsest.Store, tmp_path: Path) -> None:
    figure = sparsest.plot_sparsest(store)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["search", "SNIP"]
    assert [line.get_xydata().tolist() for line in axes.lines] == [  # type: ignore[union-attr]
        [[20, 0], [25, 1]],
        [[34, 0]],
    ]
    sparsest.save_drawing(figure, tmp_path / "figure.png")
    with pytest.raises(ValueError, match="nothing"):
        sparsest.plot_sparsest(store, [1.0])
