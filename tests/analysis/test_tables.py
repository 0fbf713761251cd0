"""The tables and figures for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sparsest
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
    made = Rows()
    path = tmp_path_factory.mktemp("made") / "store"
    rows = [
        made.row(index, model_nnz=network["weight_nnz"] + 9, **network)
        for index, network in enumerate(NETWORKS)
    ] + [made.diverged(len(NETWORKS))]
    with StoreWriter(path) as writer:
        writer.begin_sweep(made.begin())
        indices = IndexSet.of([(0, len(rows))])
        writer.append(made.batch(rows), made.digest, made.study, indices)
    with sparsest.open(path) as opened:
        yield opened


def places(table: sparsest.QueryResult) -> list[int]:
    """Which of the networks the rows are."""
    ids = [Rows().row(index)["experiment_id"] for index in range(len(NETWORKS))]
    return [ids.index(row["experiment_id"]) for row in table.arrow().to_pylist()]


def test_sparsest_network_is_another_one(store: sparsest.Store) -> None:
    table = sparsest.sparsest_networks(store)
    assert places(table) == [1, 5, 2]
    rows = table.arrow().to_pylist()
    assert [(row["target"], row["method"]) for row in rows] == [
        (0.95, "search"),
        (0.95, "snip"),
        (0.995, "search"),
    ]
    assert [row["gap"] for row in rows] == [0, 5, 0]
    assert [row["networks"] for row in rows] == [4, 1, 1]


def test_accuracy_that_nobody_reaches_has_a_row(store: sparsest.Store) -> None:
    assert len(sparsest.sparsest_networks(store, [0.9966])) == 0
    assert len(sparsest.sparsest_networks(store, [0.9966, 0.5])) == 2


@pytest.mark.parametrize("targets", [[], [95], [-0.1], [float("nan")]])
def test_target_that_is_no_accuracy_is_taken(store: sparsest.Store, targets: list[float]) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        sparsest.sparsest_networks(store, targets)


def test_frontier_holds_networks_that_others_beat(store: sparsest.Store) -> None:
    assert places(sparsest.pareto(store)) == [1, 2, 7, 5]


def test_widths_are_mixed(store: sparsest.Store) -> None:
    rows = sparsest.by_width(store).arrow().to_pylist()
    assert [(row["method"], row["width"], row["trainings"]) for row in rows] == [
        ("snip", 4, 1),
        ("snip", 8, 2),
    ]
    assert [row["fewest_95"] for row in rows] == [None, 25]
    assert rows[1]["median"] == pytest.approx(0.945)


def test_line_of_a_method_is_another_s(store: sparsest.Store) -> None:
    (axes,) = sparsest.plot_pareto(store).axes
    lines = {str(line.get_label()): line.get_xydata() for line in axes.lines}
    assert list(lines) == ["search", "snip"]
    assert lines["search"].tolist() == [[20, 0.97], [34, 0.996], [34, 0.996]]  # type: ignore[union-attr]
    assert lines["snip"].tolist() == [[22, 0.8], [25, 0.95], [34, 0.95]]  # type: ignore[union-attr]
    (only,) = sparsest.plot_pareto(store, ["snip"]).axes
    assert [line.get_label() for line in only.lines] == ["snip"]


def test_unknown_method_is_left_out_in_silence(store: sparsest.Store) -> None:
    with pytest.raises(ValueError, match="no networks by lth here; there are: search, snip"):
        sparsest.plot_pareto(store, ["lth"])


def test_points_are_at_another_method_s_line(store: sparsest.Store, tmp_path: Path) -> None:
    figure = sparsest.plot_sparsest(store)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["search", "snip"]
    assert [line.get_xydata().tolist() for line in axes.lines] == [  # type: ignore[union-attr]
        [[20, 0], [25, 1]],
        [[34, 0]],
    ]
    sparsest.save_drawing(figure, tmp_path / "figure.png")
    with pytest.raises(ValueError, match="there is nothing to plot"):
        sparsest.plot_sparsest(store, [1.0])
