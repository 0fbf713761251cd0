"""Methods that change the objective or the parametrisation, compared with slow versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pruning.protocol import Measure, Objective, Requests
from pruning.segments import dense_network, flat_weights, train_rounds, with_weights
from search.experiment import Experiment
from search.layers import Layers
from search.settings import Value
from tests.pruning.slow_objective import Tensors, leaves, slow_objective
from workers.adaptive import train_adaptively
from workers.cost import prefers_matrices
from workers.datasets import Dataset, load_dataset
from workers.initial import starting_network
from workers.mask_schedule import advance
from workers.objective import train_objective
from workers.start import masked
from workers.step_schedule import StepSchedule
from workers.train import train_batch

SPIRAL = load_dataset("cubist-spiral")
FEW = Dataset("few", SPIRAL.points[::2000].copy(), SPIRAL.labels[::2000].copy())


def experiment_of(method: str, width: int = 4, **settings: Value) -> Experiment:
    return Experiment(
        method=method,
        width=width,
        lr=0.1,
        batch_size=8,
        epochs=5,
        hyperparameters=tuple(sorted(settings.items())),
    )


def trained_weights(experiment: Experiment) -> list[NDArray[np.float32]]:
    return [weight for weight, _ in train_adaptively(experiment, FEW, {}).layers]


def assert_close(ours: Sequence[NDArray[np.float32]], slow: Sequence[torch.Tensor]) -> None:
    for weight, expected in zip(ours, slow, strict=True):
        np.testing.assert_allclose(weight, expected.detach().numpy(), rtol=2e-4, atol=2e-5)


def initial(experiment: Experiment) -> Layers:
    return starting_network(experiment, {})


@pytest.mark.parametrize(
    ("method", "factors", "rate"), [("spred", 2, 1.0), ("dwf", 3, 1.0), ("dwf", 4, 0.25)]
)
def test_products_of_factors_agree_with_the_slow_version(
    method: str, factors: int, rate: float
) -> None:
    settings: dict[str, Value] = {} if method == "spred" else {"factors": factors, "rate": rate}
    experiment = experiment_of(method, 4, strength=0.02, threshold=0.0, finetune=0.0, **settings)
    layers = initial(experiment)
    # A factor of u = v / sqrt(r) steps as v does at r times the learning rate.
    scale = rate**0.5
    free = [(leaf.detach() / scale).requires_grad_() for leaf in leaves(layers)]
    for _ in range(factors - 1):
        free += leaves(layers, value=1.0 / scale)

    def weights(tensors: Tensors, epoch: int, step: int) -> list[torch.Tensor]:
        scaled = [scale * tensor for tensor in tensors]
        products = scaled[: len(layers)]
        for number, factor in enumerate(scaled[len(layers) :]):
            products[number % len(layers)] = products[number % len(layers)] * factor
        return products

    def penalty(tensors: Tensors, epoch: int) -> torch.Tensor:
        return 0.02 / 2 * rate * torch.stack([(factor**2).sum() for factor in tensors]).sum()

    slow_objective(experiment, FEW, layers, free, weights, penalty)
    assert_close(trained_weights(experiment), weights(free, 0, 0))


def test_thresholds_agree_with_the_slow_version() -> None:
    experiment = experiment_of("str", start=-2.0, strength=0.05)
    layers = initial(experiment)
    thresholds = [torch.full((), -2.0, dtype=torch.float64, requires_grad=True) for _ in layers]
    free = [*leaves(layers), *thresholds]

    def weights(tensors: Tensors, epoch: int, step: int) -> list[torch.Tensor]:
        values, raw = tensors[: len(layers)], tensors[len(layers) :]
        return [v.sign() * (v.abs() - t.sigmoid()).relu() for v, t in zip(values, raw, strict=True)]

    def penalty(tensors: Tensors, epoch: int) -> torch.Tensor:
        decay = experiment.weight_decay
        first = torch.stack([(v**2).sum() for v in tensors[: len(layers)]]).sum()
        return decay / 2 * first + 0.05 / 2 * torch.stack(list(tensors[len(layers) :])).pow(2).sum()

    slow_objective(experiment, FEW, layers, free, weights, penalty)
    ours = trained_weights(experiment)
    assert_close(ours, weights(free, 0, 0))
    assert 0 < sum(int((weight == 0).sum()) for weight in ours) < 44


def test_gates_that_become_hard_agree_with_the_slow_version() -> None:
    experiment = experiment_of("continuous", start=0.05, final=20.0, strength=0.02, finetune=0.0)
    layers = initial(experiment)
    free = [*leaves(layers), *leaves(layers, value=0.05)]
    scale = 1 + np.exp(-0.05)

    def gates(tensors: Tensors, epoch: int) -> list[torch.Tensor]:
        return [(20.0 ** (epoch / 4) * gate).sigmoid() for gate in tensors[len(layers) :]]

    def weights(tensors: Tensors, epoch: int, step: int) -> list[torch.Tensor]:
        pairs = zip(tensors[: len(layers)], gates(tensors, epoch), strict=True)
        return [scale * value * gate for value, gate in pairs]

    def penalty(tensors: Tensors, epoch: int) -> torch.Tensor:
        squares = torch.stack([(v**2).sum() for v in tensors[: len(layers)]]).sum()
        opened = torch.stack([gate.sum() for gate in gates(tensors, epoch)]).sum()
        return experiment.weight_decay / 2 * squares + 0.02 * opened

    slow_objective(experiment, FEW, layers, free, weights, penalty)
    pairs = zip(free[: len(layers)], free[len(layers) :], strict=True)
    ours = trained_weights(experiment)
    assert_close(ours, [scale * value * (gate > 0) for value, gate in pairs])
    assert 0 < sum(int((weight == 0).sum()) for weight in ours) < 44


def test_random_gates_agree_with_the_slow_version() -> None:
    experiment = experiment_of("l0", dropout=0.4, strength=0.05, rate=4.0, finetune=0.0)
    layers = initial(experiment)
    # Half of a parameter steps as the parameter does at four times the learning rate.
    free = [*leaves(layers), *leaves(layers, value=float(np.log(0.6 / 0.4)) / 2)]
    sizes = [weight.size for weight, _ in layers]
    steps = len(FEW) // 8
    noise = [
        np.random.default_rng((experiment.seed("l0"), epoch)).random((steps, 44), np.float32)
        for epoch in range(5)
    ]

    def weights(tensors: Tensors, epoch: int, step: int) -> list[torch.Tensor]:
        drawn = torch.tensor(noise[epoch][step % steps].astype(np.float64))
        drawn = drawn * (1 - 2e-6) + 1e-6
        found = []
        parts = torch.split(drawn, sizes)
        for value, gate, u in zip(
            tensors[: len(layers)], tensors[len(layers) :], parts, strict=True
        ):
            logit = (u.log() - (1 - u).log()).reshape(value.shape)
            concrete = ((logit + 2 * gate) / (2 / 3)).sigmoid()
            found.append(value * (concrete * 1.2 - 0.1).clamp(0, 1))
        return found

    def penalty(tensors: Tensors, epoch: int) -> torch.Tensor:
        squares = torch.stack([(v**2).sum() for v in tensors[: len(layers)]]).sum()
        shift = 2 / 3 * np.log(0.1 / 1.1)
        expected = torch.stack(
            [(2 * a - shift).sigmoid().sum() for a in tensors[len(layers) :]]
        ).sum()
        return experiment.weight_decay / 2 * squares + 0.05 * expected

    slow_objective(experiment, FEW, layers, free, weights, penalty)
    pairs = zip(free[: len(layers)], free[len(layers) :], strict=True)
    without_noise = [value * ((2 * a).sigmoid() * 1.2 - 0.1).clamp(0, 1) for value, a in pairs]
    assert_close(trained_weights(experiment), without_noise)


def test_powers_under_gmp_agree_with_the_slow_version() -> None:
    # Events after steps 3, 6, 9, 12 of 15 remove |v| below the m-th largest.
    experiment = replace(
        experiment_of("powerprop", power=3.0, events=5, exponent=1.0), target_nnz=20
    )
    layers = initial(experiment)
    free = [
        torch.tensor(np.sign(w) * np.abs(w.astype(np.float64)) ** (1 / 3), requires_grad=True)
        for w, _ in layers
    ]
    kept = [torch.ones(weight.shape, dtype=torch.float64) for weight, _ in layers]

    def weights(tensors: Tensors, epoch: int, step: int) -> list[torch.Tensor]:
        if step and step % 3 == 0:
            rank = max(19, int(20 + (44 - 20) * (1 - step / (4 * 3))))
            flat = torch.cat(
                [(v**3 * k).abs().flatten() for v, k in zip(tensors, kept, strict=True)]
            )
            limit = flat.sort(descending=True).values[rank - 1]
            for value, mask in zip(tensors, kept, strict=True):
                mask.mul_((value.detach() ** 3).abs() > limit)
        return [v * v.abs() ** 2 * k for v, k in zip(tensors, kept, strict=True)]

    def penalty(tensors: Tensors, epoch: int) -> torch.Tensor:
        return experiment.weight_decay / 2 * torch.stack([(v**2).sum() for v in tensors]).sum()

    slow_objective(experiment, FEW, layers, free, weights, penalty)
    ours = trained_weights(experiment)
    assert_close(ours, [v**3 * k for v, k in zip(free, kept, strict=True)])
    assert sum(int((weight != 0).sum()) for weight in ours) == 19


def test_group_lasso_agrees_with_the_slow_version() -> None:
    experiment = experiment_of("group-lasso", strength=0.1, threshold=0.45, finetune=0.0)
    layers = initial(experiment)
    free = leaves(layers)

    def norms(tensors: Tensors) -> list[torch.Tensor]:
        return [(weight**2).sum(0).sqrt() for weight in tensors[1:]]

    def penalty(tensors: Tensors, epoch: int) -> torch.Tensor:
        squares = torch.stack([(v**2).sum() for v in tensors]).sum()
        groups = torch.stack(
            [len(w) ** 0.5 * n.sum() for w, n in zip(tensors[1:], norms(tensors), strict=True)]
        )
        return experiment.weight_decay / 2 * squares + 0.1 * groups.sum()

    slow_objective(experiment, FEW, layers, free, lambda tensors, epoch, step: tensors, penalty)
    expected = [weight.detach().clone() for weight in free]
    for layer, norm in enumerate(norms(free)):
        for neuron in torch.nonzero(norm <= 0.45).flatten().tolist():
            expected[layer][neuron] = 0
            expected[layer + 1][:, neuron] = 0
    assert_close(trained_weights(experiment), expected)
    assert any(0 < int((weight == 0).all(0).sum()) < 4 for weight in expected)


def test_small_products_are_removed_and_the_others_fine_tuned() -> None:
    experiment = replace(experiment_of("spred", 8, threshold=0.1), batch_size=128, epochs=2)
    (row,) = train_batch([experiment]).to_pylist()
    assert row["status"] == "ok"
    assert 0 < row["weight_nnz"] < 152
    steps = 2 * (len(SPIRAL) // 128)
    assert row["steps"] == 2 * steps
    assert row["edge_updates"] == steps * 152 + steps * row["weight_nnz"]


@pytest.mark.parametrize(("width", "dense"), [(4, False), (70, True)])
@pytest.mark.parametrize("pruned", [False, True], ids=["whole", "masked"])
def test_free_weights_train_like_weights(width: int, dense: bool, pruned: bool) -> None:
    experiment = experiment_of("spred", width)
    layers = initial(experiment)
    network = dense_network(layers)
    if pruned:
        kept = flat_weights(layers)
        kept[:: 10 if dense else 3] = 0
        network = with_weights(network, kept)
    assert prefers_matrices(network.weight_masks) == dense
    schedule = StepSchedule(experiment, FEW)
    # Masked weights of the objective are ignored, as those of a network are.
    objective = Objective([flat_weights(layers)], lambda free: free[0], lambda free, s: [s])
    ours = masked(train_objective(network, objective, schedule, 0, 12, 0.1))
    plain = advance(masked(network), schedule, 0, 12, 0.1)
    for (weight, bias), (expected, expected_bias) in zip(ours.layers, plain.layers, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(bias, expected_bias, rtol=1e-4, atol=1e-6)
    for (_, velocity), (_, expected) in zip(ours.velocities, plain.velocities, strict=True):
        np.testing.assert_allclose(velocity, expected, rtol=1e-3, atol=1e-6)
    trained = flat_weights(ours.layers)
    np.testing.assert_array_equal(objective.free[0][trained != 0], trained[trained != 0])


@pytest.mark.parametrize(
    ("objective_of", "problem"),
    [
        (lambda w: Objective([w], lambda free: free[0][1:], lambda free, s: [s]), "weights"),
        (lambda w: Objective([w], lambda free: free[0] * 1.0, lambda free, s: [s, s]), "gradients"),
        (lambda w: Objective([w.astype(np.float64)], lambda free: w, lambda f, s: [s]), "float64"),
        (lambda w: Objective([w], lambda free: free[0], lambda free, s: [s], [0.1, 0.1]), "decays"),
        (lambda w: Objective([], lambda free: w, lambda free, s: []), "without free"),
    ],
)
def test_impossible_objective_is_refused(
    objective_of: Callable[[NDArray[np.float32]], Objective],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        objective = objective_of(flat_weights(layers))
        return (yield from train_rounds(dense_network(layers), measure, objective=objective))

    monkeypatch.setattr("workers.adaptive.algorithm", lambda *_: requests)
    with pytest.raises(ValueError, match=f"'spred'.*{problem}"):
        train_adaptively(experiment_of("spred"), FEW, {})
