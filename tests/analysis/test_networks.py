from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx.reference import ReferenceEvaluator

import sparsest
from search.masks.text import parse_mask
from tests.installed import forget_plugins

_MASKS: dict[str, Any] = {"mask1": "11|10", "mask2": ["11|10", "11|01", "10|11"]}


@pytest.fixture(scope="module")
def networks() -> sparsest.Networks:
    found = sparsest.train(structure="2x2", epochs=1, lr=0.2, **_MASKS).networks()
    return sparsest.Networks([*found, *sparsest.train(structure="3", epochs=1).networks()])


@pytest.fixture
def points() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(3).normal(size=(7, 2))


def test_networks_together_have_the_logits_of_each(
    networks: sparsest.Networks, points: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> None:
    together = networks.logits(points)
    assert together.shape == (4, 7)
    for one, network in zip(together, networks, strict=True):
        assert one == pytest.approx(network.logits(points), rel=1e-5, abs=1e-6)
        assert one == pytest.approx(network(torch.tensor(points).float()).tolist(), rel=1e-5)
    assert networks.accuracies() == pytest.approx(
        [sparsest.accuracy(network) for network in networks], abs=1e-4
    )


def test_accuracies_of_many_networks_need_the_logits_of_few_at_a_time(
    networks: sparsest.Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    logits = sparsest.Networks.logits

    def counted(some: sparsest.Networks, points: Any) -> Any:
        sizes.append(len(some))
        return logits(some, points)

    monkeypatch.setattr(sparsest.Networks, "logits", counted)
    points = np.random.default_rng(0).normal(size=(50, 2))
    data = sparsest.Dataset.of("few", points, points[:, 0] > 0)
    many = sparsest.Networks([*networks] * 100).accuracies(data)
    assert sizes == [256, 144]
    assert many.tolist() == [*networks.accuracies(data)] * 100
    with pytest.raises(ValueError, match=r"\[\]"):
        networks[:0].accuracies(data)


def test_points_with_other_features_are_refused(networks: sparsest.Networks) -> None:
    for evaluated in (networks, networks[0]):
        with pytest.raises(ValueError, match=r"\[3, 5\].*\[N, 2\]"):
            evaluated.logits(np.zeros((3, 5)))
    four = sparsest.Dataset.of("four", np.random.default_rng(0).normal(size=(9, 4)), [0, 1, 2] * 3)
    for measure in (networks.accuracies, lambda data: sparsest.accuracy(networks[0], data)):
        with pytest.raises(ValueError, match=r"2 inputs.*4 features"):
            measure(four)


def test_masks_are_those_of_the_experiment(networks: sparsest.Networks) -> None:
    assert [mask.tolist() for mask in networks[1].masks] == [
        parse_mask("11|10").tolist(),
        parse_mask("11|01").tolist(),
        [[True, True]],
    ]


def test_renamed_networks_are_grouped(networks: sparsest.Networks) -> None:
    groups = sparsest.group_isomorphic(networks)
    assert [len(group) for group in groups] == [2, 1, 1]
    first, second = groups[0]
    assert first is networks[0]
    assert second is networks[2]
    assert first.canonical() == second.canonical() != networks[1].canonical()


def test_disconnected_weights_are_no_part_of_the_canonical_form(
    networks: sparsest.Networks,
) -> None:
    network = networks[1]
    cut = network.with_weight(layer=2, neuron=0, source=1, value=0.0)
    # The second neuron of the second layer leads nowhere now.
    smaller = cut.with_weight(layer=1, neuron=1, source=1, value=0.0)
    assert cut.connectivity().disconnected_nnz == 1
    assert cut.canonical() == smaller.canonical() == ("11|10", "11", "1")
    without = smaller.with_weight(layer=2, neuron=0, source=0, value=0.0)
    assert without.canonical() == ()


def test_edited_copy_is_measured_and_the_original_stays(networks: sparsest.Networks) -> None:
    network = networks[0]
    before = network.layers()[0][0].copy()
    edited = network.with_weight(layer=0, neuron=1, source=1, value=2.5).with_bias(2, 0, -50.0)
    assert edited.layers()[0][0][1, 1] == 2.5
    assert edited.masks[0][1, 1]
    assert not network.masks[0][1, 1]
    assert np.array_equal(network.layers()[0][0], before)
    labels = sparsest.load_dataset("cubist-spiral").labels
    assert sparsest.accuracy(edited) == (labels == 0).mean()
    assert edited.row is None
    with pytest.raises(IndexError, match="layer 3"):
        network.with_weight(layer=3, neuron=0, source=0, value=1.0)


def test_sequential_computes_the_same(
    networks: sparsest.Networks, points: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> None:
    for network in networks:
        sequential = network.to_sequential()
        found = sequential(torch.tensor(points).float())[:, 0]
        assert found.tolist() == pytest.approx(network.logits(points).tolist(), rel=1e-5)


def test_graph_has_the_nonzero_weights(networks: sparsest.Networks) -> None:
    graph = networks[0].to_networkx()
    weights = [weight for weight, _ in networks[0].layers()]
    assert graph.number_of_nodes() == 2 + 2 + 2 + 1
    assert graph.number_of_edges() == sum(int((weight != 0).sum()) for weight in weights)
    assert graph.edges[(0, 1), (1, 0)]["weight"] == weights[0][0, 1]


def test_onnx_file_computes_the_same(
    networks: sparsest.Networks,
    points: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    tmp_path: Path,
) -> None:
    for number, network in enumerate(networks):
        file = tmp_path / f"{number}.onnx"
        network.to_onnx(file)
        (found,) = ReferenceEvaluator(str(file)).run(None, {"points": points.astype(np.float32)})
        logits = np.asarray(found)[:, 0]
        assert logits == pytest.approx(network.logits(points), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("package", "call"), [("onnx", "to_onnx"), ("networkx", "to_networkx")])
def test_missing_optional_package_names_the_extra(
    networks: sparsest.Networks, package: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    arguments = ["network.onnx"] if call == "to_onnx" else []
    with pytest.raises(ImportError, match=r"sparsest\[export\]"):
        getattr(networks[0], call)(*arguments)


def test_network_that_does_not_know_its_data_set_asks_for_one() -> None:
    network = sparsest.Network([(np.ones((1, 2), np.float32), np.zeros(1, np.float32))])
    with pytest.raises(ValueError, match="dataset="):
        sparsest.accuracy(network)


def test_mask_is_trained_again_from_other_weights_and_from_its_own() -> None:
    before = sparsest.train("snip", width=4, target_nnz=14, epochs=1, seeds=[2]).networks()[0]
    assert before.row is not None
    fresh, other = before.retrain(seed=5), before.retrain(seed=6)
    initial, final = (before.retrain(seed=5, start=start) for start in ("initial", "final"))
    weights = [network.layers()[0][0].ravel().tolist() for network in (fresh, other, initial)]
    assert weights[0] != weights[1] != weights[2]
    for network in (fresh, other, initial, final):
        assert network.row is not None
        assert [mask.tolist() for mask in network.masks] == [m.tolist() for m in before.masks]
        assert network.row["method"] == "search"
        assert network.row["lr"] == before.row["lr"]
    still = before.retrain(start="final", lr=1e-12)
    assert still.logits([[0.1, 0.2]]) == pytest.approx(before.logits([[0.1, 0.2]]), abs=1e-4)
    assert still.row is not None
    assert still.row["init"] == f"row:{before.row['experiment_id']}/final"
    wrong: list[dict[str, Any]] = [{"speed": 3}, {"lr": -1}, {"seed": -1}, {"start": "middle"}]
    for arguments in wrong:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            before.retrain(**arguments)


def test_edited_mask_is_trained_from_fresh_weights_alone(networks: sparsest.Networks) -> None:
    edited = networks[0].with_weight(layer=0, neuron=1, source=1, value=2.5)
    again = edited.retrain(seed=3)
    assert again.masks[0][1, 1]
    with pytest.raises(ValueError, match="edited"):
        edited.retrain(start="final")


def test_network_of_other_points_is_not_measured_on_the_set_of_that_name() -> None:
    generator = np.random.default_rng(0)
    points = [sparsest.standardised(part) for part in generator.normal(size=(2, 300, 2))]
    first, second = (sparsest.Dataset.of("mine", part, part[:, 0] > 0) for part in points)
    network = sparsest.train(structure="2", dataset=first, epochs=1).networks()[0]
    assert sparsest.accuracy(network) == sparsest.accuracy(network, first)
    sparsest.register(second)
    with pytest.raises(ValueError, match=second.digest):
        sparsest.accuracy(network)
    forget_plugins()


def test_collapsed_network_is_trained_again() -> None:
    network = sparsest.train(structure="2x2", mask1="11|11", mask2="00|00", epochs=1).networks()[0]
    assert network.retrain(seed=1).connectivity().connection != "path"
