"""The file of records: its networks, their evaluation, and submissions."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from analysis.records import bounds
from analysis.records.bounds import (
    TriedNetworks,
    bound_at,
    none_found_up_to,
    of_three_layers,
    proven_bounds,
    tried_networks,
)
from analysis.records.candidates import candidate_ids, candidates, merged, pruned
from analysis.records.evaluation import accuracies, point_accuracy
from analysis.records.figure import records_figure
from analysis.records.known import Known, file_text, holders, read_networks, records
from search.datasets import DATASETS
from search.paper import PAPER_STUDIES
from storage.paths import published_folder
from storage.reading.reader import StoreReader
from tests.analysis.test_tables import write_store
from tests.docs.pages import ROOT, the_code
from tests.orchestrator.running import refused, sparsest
from tests.storage.made_rows import Rows
from workers.datasets import Dataset, load_dataset

COMMITTED = ROOT / "results" / "records.json"
SPIRAL = "cubist-spiral"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder of published results."""
    monkeypatch.setenv("SPARSEST_RESULTS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def committed() -> list[Known]:
    """Return the networks of the committed file."""
    return read_networks(COMMITTED)


def submission(network: Known, path: Path, **changes: Any) -> Path:
    """Write a file with one network, without its numbers."""
    path.write_text(file_text([replace(network, accuracy={}, counts={}, **changes)]))
    return path


def best_at(networks: list[Known], accuracy: str) -> Known:
    """Return the network of fewest weights at an accuracy."""
    return next(
        one.holder
        for one in records(networks)
        if (one.accuracy, one.count) == (Fraction(accuracy), "weights")
    )


def test_every_committed_network_holds_a_record(committed: list[Known]) -> None:
    assert set(map(id, committed)) == set(map(id, holders(committed)))


@pytest.mark.parametrize("accuracy", ["0.95", "1"])
def test_committed_record_has_the_stated_numbers(committed: list[Known], accuracy: str) -> None:
    network = best_at(committed, accuracy)
    measured = network.measured()
    assert (measured.accuracy, measured.counts) == (network.accuracy, network.counts)
    assert set(network.accuracy) == {"float32", "float64", "exact"}
    assert min(network.accuracy.values()) >= float(accuracy)


def test_file_is_evaluated_without_this_software(committed: list[Known]) -> None:
    code = the_code(ROOT / "docs" / "records.md", "python")
    names: dict[str, Any] = {}
    exec(re.sub(r'"results/records.json"', repr(str(COMMITTED)), code), names)
    data = load_dataset(SPIRAL)
    found = names["accuracy"](names["networks"][0], data.points, data.labels)
    assert found == pytest.approx(committed[0].accuracy["float64"], abs=1e-4)


def test_file_keeps_every_bit_of_a_network(committed: list[Known], tmp_path: Path) -> None:
    path = tmp_path / "copy.json"
    path.write_text(file_text(committed))
    for one, copy in zip(committed, read_networks(path), strict=True):
        assert one.json() == copy.json()
        assert copy.layers[0][0].tobytes() == one.layers[0][0].tobytes()


def test_better_network_replaces_a_record_and_a_worse_one_is_refused(
    committed: list[Known], folder: Path, tmp_path: Path
) -> None:
    network = best_at(committed, "0.95")
    weight, bias = network.layers[0]
    # A neuron that leads nowhere adds a weight.
    first = (np.vstack([weight, [[0, 1]]]).astype(np.float32), np.append(bias, np.float32(0)))
    weight, bias = network.layers[1]
    second = (np.hstack([weight, np.zeros((len(weight), 1))]).astype(np.float32), bias)
    larger = submission(
        replace(network, layers=[first, second, *network.layers[2:]]), tmp_path / "larger"
    )
    assert sparsest("records", "--submit", larger).code == 0
    (only,) = read_networks(folder / "records.json")
    assert only.counts["weights"] == network.counts["weights"] + 1

    better = submission(network, tmp_path / "better", by="the sparser one")
    assert "the sparser one" in sparsest("records", "--submit", better).out
    assert {one.by for one in read_networks(folder / "records.json")} == {"the sparser one"}

    content = (folder / "records.json").read_bytes()
    assert "no record" in sparsest("records", "--submit", larger).err
    assert (folder / "records.json").read_bytes() == content
    printed = json.loads(sparsest("records", "--json").out)
    assert {row["known"] for row in printed if row["count"] == "weights"} == {
        network.counts["weights"]
    }


def test_verify_refuses_other_numbers_than_the_network_has(
    committed: list[Known], folder: Path
) -> None:
    network = best_at(committed, "0.95")
    wrong = replace(network, counts={**network.counts, "weights": 3})
    (folder / "records.json").write_text(file_text([wrong]))
    ended = sparsest("records", "--verify")
    assert ended.code == 1
    assert "1 of 1" in ended.err


def test_networks_of_one_data_set_are_verified(folder: Path) -> None:
    (folder / "records.json").write_bytes((ROOT / "results" / "records.json").read_bytes())
    verified = sparsest("records", "--verify", "--dataset", "xor").out.splitlines()
    assert 1 < len(verified) < len(sparsest("records", "--verify").out.splitlines())


def test_verification_names_the_data_set_of_each_network(
    committed: list[Known], folder: Path
) -> None:
    (folder / "records.json").write_text(file_text(committed[:1]))
    assert f"network 1, {SPIRAL}" in sparsest("records", "--verify").out
    (row,) = json.loads(sparsest("records", "--verify", "--json").out)
    assert (row["number"], row["dataset"], row["as_stated"]) == (1, SPIRAL, True)
    assert row["counts"] == committed[0].counts


def test_networks_of_other_data_sets_are_not_added(
    committed: list[Known], folder: Path, tmp_path: Path
) -> None:
    network = submission(best_at(committed, "0.95"), tmp_path / "one")
    assert "0 networks" in sparsest("records", "--submit", network, "--dataset", "xor").out
    assert "1 network" in sparsest("records", "--submit", network, "--dataset", SPIRAL).out


def test_json_is_refused_where_none_is_printed(folder: Path, tmp_path: Path) -> None:
    for option in ("--submit", "--from", "-o"):
        assert "--json" in refused("records", "--json", option, tmp_path / "x.svg")


def test_number_of_added_networks_ends_a_submission(
    committed: list[Known], folder: Path, tmp_path: Path
) -> None:
    network = submission(best_at(committed, "0.95"), tmp_path / "one")
    for added in (1, 0):
        last = sparsest("records", "--submit", network).out.splitlines()[-1]
        assert f"{added} network" in last


def test_network_counts_only_if_all_accuracies_reach_the_target(committed: list[Known]) -> None:
    network = replace(
        best_at(committed, "1"), accuracy={"float32": 0.96, "float64": 0.96, "exact": 0.94}
    )
    assert {float(one.accuracy) for one in records([network])} == {0.8, 0.85, 0.9}


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ([{"weight": [["nan", "0x1p0"]], "bias": ["0"]}], "layers[0].weight[0][0]: "),
        ([{"weight": [["0x1p0", "0.5"]], "bias": ["0"]}], "layers[0].weight[0][1]: "),
        ([{"weight": [["0x1p0", "0x1p999"]], "bias": ["0"]}], "layers[0].weight[0][1]: "),
        ([{"weight": [["0x1p0", "0x1p9999"]], "bias": ["0"]}], "layers[0].weight[0][1]: "),
        ([{"weight": [["0x1.0000000001p0", "0"]], "bias": ["0"]}], "layers[0].weight[0][0]: "),
        ([{"weight": [["0", "0"], ["0"]], "bias": ["0", "0"]}], "layers[0].weight: "),
        ([{"weight": [["0x1p0", "0x1p0"]], "bias": [["0"]]}], "layers[0].bias[0]: "),
        ([{"weight": [["0x1p0", "0x1p0"]]}], "layers[0].bias: "),
        ([{"weight": [["0x1p0"]], "bias": ["0"]}], ""),
        ([], ""),
        ("text", "layers: "),
    ],
)
def test_file_with_a_bad_network_is_refused(layers: Any, place: str, folder: Path) -> None:
    path = folder / "bad"
    path.write_text(json.dumps({"networks": [{"dataset": SPIRAL, "by": "me", "layers": layers}]}))
    message = refused("records", "--submit", path)
    assert f"network 1: {place}" in message
    assert "pydantic" not in message
    assert not (folder / "records.json").exists()
    path.write_text('{"networks": [[]]}')
    assert "network 1" in refused("records", "--submit", path)


def test_rows_with_few_live_weights_are_candidates(tmp_path: Path) -> None:
    sparse = [{"weight_nnz": 8, "live_nnz": 8, "accuracy": 0.96}] * 8
    few_live = {"weight_nnz": 20, "live_nnz": 5, "accuracy": 0.96}
    write_store(tmp_path / "store", [*sparse, few_live])
    with StoreReader(tmp_path / "store") as reader:
        found = candidate_ids(reader, SPIRAL, Fraction("0.95"), [])
    assert Rows().row(8)["experiment_id"] in found


@pytest.mark.parametrize(("target", "column"), [("0.95", "prunable_95"), ("0.995", "prunable_995")])
def test_rows_that_magnitude_pruning_brings_near_a_record_are_candidates(
    target: str, column: str, tmp_path: Path, committed: list[Known]
) -> None:
    fewest = best_at(committed, target).counts["weights"]
    sparse = [{"weight_nnz": fewest, "live_nnz": fewest, "accuracy": 0.999}] * 8
    prunable = {"weight_nnz": 50, "live_nnz": 50, "accuracy": 0.999, column: 51 - fewest}
    write_store(tmp_path / "store", [*sparse, prunable])
    with StoreReader(tmp_path / "store") as reader:
        found = candidate_ids(reader, SPIRAL, Fraction(target), committed)
    assert Rows().row(8)["experiment_id"] in found
    assert len(found) == len(set(found))


def test_network_without_numbers_in_the_file_is_measured(
    committed: list[Known], folder: Path
) -> None:
    best = best_at(committed, "0.95")
    submission(best, folder / "records.json")
    (network,) = read_networks(folder / "records.json")
    assert (network.accuracy, network.counts) == (best.accuracy, best.counts)
    assert json.loads(sparsest("records", "--json").out)


def test_published_candidates_are_of_all_studies(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "exchange.parquet").symlink_to(ROOT / "results" / "exchange.parquet")
    assert "exchange" not in PAPER_STUDIES
    opened = Mock(return_value=[])
    monkeypatch.setattr("analysis.records.candidates.candidates", opened)
    sparsest("records", "--published", "--dataset", SPIRAL)
    reader, _, datasets = opened.call_args.args
    assert (set(reader.rows_by_study()), datasets) == ({"exchange"}, [SPIRAL])
    sparsest("records", "--published")
    assert set(opened.call_args.args[2]) == set(DATASETS)


def test_record_of_a_search_names_strategy_and_experiment(tmp_path: Path) -> None:
    sparsest("search", "--strategy", "eliminate", "--dataset", "xor", "--target", "0.8",
             "--structure", "3", "--core-hours", "0.00001", "--store", tmp_path / "s")  # fmt: skip
    with StoreReader(tmp_path / "s") as reader:
        found = list(candidates(reader, [], ["xor"]))
        ids = reader.sql("SELECT experiment_id FROM results").column(0).to_pylist()
    assert found
    for network in found:
        study, experiment = network.by.removesuffix(", pruned after training").split(", ")
        assert study == "search-eliminate"
        assert experiment.removeprefix("experiment ") in ids


@pytest.mark.parametrize(("factor", "constant"), [(2, -1), (2, 0), (-2, 3)])
def test_last_layer_of_one_neuron_is_merged(factor: float, constant: float) -> None:
    data = load_dataset("xor")
    first = (np.eye(2, dtype=np.float32), np.array([0.5, 0.25], np.float32))
    middle = (np.array([[1, -2]], np.float32), np.array([0.125], np.float32))
    last = (np.array([[factor]], np.float32), np.array([constant], np.float32))
    for layers in ([first, middle, last], [middle, last]):
        smaller = merged(layers)
        assert len(smaller) == len(layers) - 1
        accuracy, expected = (point_accuracy(one, data, np.float64) for one in (smaller, layers))
        assert accuracy == expected not in (0, 1)


def test_network_of_one_class_is_not_merged() -> None:
    neuron = (np.ones((1, 2), np.float32), np.zeros(1, np.float32))
    for factor, constant in ((2, 1), (-2, -1), (-2, 0)):
        last = (np.array([[factor]], np.float32), np.array([constant], np.float32))
        assert len(merged([neuron, last])) == 2


def test_pruning_removes_what_no_point_needs() -> None:
    points = np.random.default_rng(0).normal(size=(100, 2))
    data = Dataset.of("half", points, points[:, 0] > 0)
    first = (np.array([[1, 0.001], [0, 1]], np.float32), np.array([0, 0.5], np.float32))
    layers = [first, (np.array([[1, 0]], np.float32), np.zeros(1, np.float32))]
    (((weight, bias),),) = pruned(layers, data, [Fraction(1)])
    assert (weight.tolist(), bias.tolist()) == ([[1, 0]], [0])


def test_pruning_folds_a_neuron_that_loses_its_last_weight() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, size=(100, 2))
    data = Dataset.of("shifted", points, points[:, 0] > 0.5)
    # The second neuron is nearly constant; as a constant it becomes a bias, and the first one the
    # whole network.
    first = (np.array([[1, 0], [0, 1e-6]], np.float32), np.array([0, 0.5], np.float32))
    layers = [first, (np.array([[1, -1]], np.float32), np.zeros(1, np.float32))]
    (((weight, bias),),) = pruned(layers, data, [Fraction("0.99")])
    assert (weight.tolist(), bias.tolist()) == ([[1, 0]], [-0.5])


def test_accuracies_are_rounded_down() -> None:
    data = Dataset.of("three", [[0, 0], [1, 0], [2, 1]], [0, 1, 1])
    layers = [(np.array([[0, 1]], np.float32), np.zeros(1, np.float32))]
    exact = point_accuracy(layers, data, np.float32)
    assert exact == Fraction(2, 3)
    assert Fraction(accuracies(layers, data)["float32"]) <= exact


def test_accuracy_of_exactly_the_target_counts() -> None:
    points = np.arange(50)[:, None]
    data = Dataset.of("fifty", np.hstack([points, points]), points[:, 0] > 9)
    layers = [(np.array([[1, 0]], np.float32), np.array([-10.5], np.float32))]
    network = replace(Known("xor", layers, "me"), accuracy=accuracies(layers, data))
    assert point_accuracy(layers, data, np.float32) == Fraction("0.98")
    network = replace(network, counts={"weights": 1, "weights and biases": 2, "live weights": 1})
    assert max(one.accuracy for one in records([network])) == Fraction("0.98")
    assert [*pruned(layers, data, [Fraction("0.98")])] == []


def test_bound_for_an_accuracy_holds_for_higher_ones() -> None:
    bounds = {Fraction("0.9"): 8, Fraction("0.95"): 9}
    assert [bound_at(bounds, Fraction(a)) for a in ("0.8", "0.9", "0.99")] == [None, 8, 9]


def test_network_at_exactly_the_accuracy_was_found() -> None:
    assert none_found_up_to({14: 0.5, 15: 0.95}, Fraction("0.95")) == 14


def test_greater_of_two_bounds_for_an_accuracy_counts(folder: Path) -> None:
    for name, bound in (("a", 9), ("b", 8)):
        text = json.dumps({"dataset": SPIRAL, "target": "0.95", "bound": bound})
        (folder / f"lower-bound-{name}.json").write_text(text)
    assert proven_bounds(folder, SPIRAL) == {Fraction("0.95"): 9}


def test_exhaustive_searches_count_where_they_continue_each_other(folder: Path) -> None:
    def write(name: str, skipped: int, tried: dict[int, tuple[int, float]], **changes: Any) -> None:
        statements = [
            {"weights": weights, "networks": networks, "distinct": 4, "highest": highest}
            for weights, (networks, highest) in tried.items()
        ]
        search = {"dataset": SPIRAL, "structure": None, "depth": 3, "tried": statements}
        text = json.dumps(search | {"skipped": skipped} | changes)
        (folder / f"exhaustive-{name}.json").write_text(text)

    assert tried_networks(folder, of_three_layers(SPIRAL)) == TriedNetworks(0, {})
    write("z-first", 0, {5: (4, 0.6), 6: (2, 0.9)})
    write("other", 0, {5: (4, 0.7), 6: (4, 0.7), 7: (4, 1.0)}, dataset="xor")
    write("one", 0, {7: (4, 1.0)}, structure="3x3x3")
    write("gap", 10, {7: (2, 1.0)})
    found = tried_networks(folder, of_three_layers(SPIRAL))
    assert found == TriedNetworks(6, {5: 0.6})
    write("again", 4, {6: (3, 0.8)})
    write("more", 7, {6: (1, 0.7), 7: (1, 0.95)})
    highest = tried_networks(folder, of_three_layers(SPIRAL)).highest
    assert highest == {5: 0.6, 6: 0.9}
    expected = {"0.5": None, "0.8": 5, "0.95": 6}
    for accuracy, weights in expected.items():
        assert none_found_up_to(highest, Fraction(accuracy)) == weights
    assert none_found_up_to({}, Fraction(1)) is None
    write("rest", 9, {7: (3, 1.0)})
    found = tried_networks(folder, of_three_layers(SPIRAL))
    assert found == TriedNetworks(12, {5: 0.6, 6: 0.9, 7: 1.0})


def test_files_of_a_data_set_are_read_once_for_all_of_its_records(
    committed: list[Known], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "records.json").write_text(file_text(committed))
    read = Mock(wraps=proven_bounds)
    monkeypatch.setattr(bounds, "proven_bounds", read)
    listed = json.loads(sparsest("records", "--json").out)
    datasets = {row["dataset"] for row in listed}
    assert len(listed) > read.call_count == len(datasets)


def test_records_that_cannot_be_written_are_no_error_of_a_store(
    committed: list[Known], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = submission(committed[0], tmp_path / "better")
    monkeypatch.setenv("SPARSEST_RESULTS", str(folder / "missing"))
    message = refused("records", "--submit", submitted)
    assert str(folder / "missing" / "records.json") in message
    assert "stored" not in message


@pytest.mark.parametrize("dataset", ["cubist-spiral-1", "iris"])
def test_plot_can_be_drawn_without_published_rows(dataset: str) -> None:
    known = read_networks(published_folder() / "records.json")
    figure = records_figure(known, dataset)
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "best known" in shown
    assert ("proven impossible" in shown) == (dataset == "cubist-spiral-1")
