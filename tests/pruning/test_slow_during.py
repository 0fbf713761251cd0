"""The slow algorithms that prune during training, compared with results computed by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.experiment import Experiment
from search.layers import Layer, Layers
from tests.pruning.slow_gmp import gmp_events, gmp_rank, slow_gmp
from tests.pruning.slow_lth import lth_rank, slow_lth
from tests.pruning.slow_rigl import (
    drop_and_grow,
    erk_densities,
    moved,
    removed_per_layer,
    rigl_events,
    slow_rigl,
)
from tests.pruning.slow_training import SlowNetwork, batches, dense
from workers.datasets import Dataset
from workers.orders import permutation
from workers.reference import train_reference

PAPER_STEPS = 19_500


def small_dataset() -> Dataset:
    """Return 484 points: with batches of 4, 121 steps per epoch and 605 in 5 epochs.

    With 605 steps GMP has 201 events, as with the paper's 19,500, two of them beyond the ramp.
    """
    points = np.random.default_rng(0).normal(size=(484, 2)).astype(np.float32)
    return Dataset("small", points, (points[:, 0] * points[:, 1] > 0).astype(np.float32))


DATASET = small_dataset()


def experiment_of(method: str, width: int, target: int, epochs: int = 5) -> Experiment:
    return Experiment(
        method=method, width=width, target_nnz=target, lr=0.05, batch_size=4, epochs=epochs
    )


def shapes_of(width: int) -> list[tuple[int, int]]:
    return [(width, 2), (width, width), (width, width), (1, width)]


def layers_of(experiment: Experiment) -> Layers:
    """Return layers uniform in +-1/sqrt(fan_in), as in torch's Linear."""
    generator = np.random.default_rng(experiment.seed("init"))
    layers = []
    for n_out, n_in in shapes_of(experiment.width):
        numbers = generator.uniform(-1, 1, (n_out, n_in + 1)).astype(np.float32)
        numbers /= np.float32(np.sqrt(n_in))
        layers.append((numbers[:, :n_in].copy(), numbers[:, n_in].copy()))
    return layers


def random_masks(experiment: Experiment) -> list[NDArray[np.bool_]]:
    """Return random masks with the numbers of weights of ERK."""
    assert experiment.target_nnz is not None
    generator = np.random.default_rng(1)
    shapes = shapes_of(experiment.width)
    masks = []
    for shape, removed in zip(
        shapes, removed_per_layer(shapes, experiment.target_nnz), strict=True
    ):
        mask = np.ones(shape, np.bool_)
        mask.flat[generator.permutation(mask.size)[:removed]] = False
        masks.append(mask)
    return masks


def batch_of(experiment: Experiment, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch by its number, counted from 0 over all epochs."""
    epoch, step = divmod(number, DATASET.steps_per_epoch(experiment.batch_size))
    order = np.empty(len(DATASET), np.uint32)
    permutation(experiment.order_seed, epoch, order)
    chosen = order[step * experiment.batch_size : (step + 1) * experiment.batch_size]
    return torch.tensor(DATASET.points[chosen]), torch.tensor(DATASET.labels[chosen])


def gradients_of(layers: Layers, batch: tuple[torch.Tensor, torch.Tensor]) -> list[Layer]:
    """Return dense gradients of the loss with respect to each layer's weight and bias."""
    tensors = [torch.tensor(array, requires_grad=True) for layer in layers for array in layer]
    points, labels = batch
    out = points
    for place in range(0, len(tensors), 2):
        out = out @ tensors[place].T + tensors[place + 1]
        out = out.relu() if place < len(tensors) - 2 else out
    loss = (torch.nn.functional.softplus(out[:, 0]) - labels * out[:, 0]).mean()
    arrays = [gradient.numpy() for gradient in torch.autograd.grad(loss, tensors)]
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def zero_where_masked(layers: Layers, masks: list[NDArray[np.bool_]]) -> Layers:
    """Return layers with masked weights and the biases of unused neurons at zero."""
    read = [*(mask.any(axis=0) for mask in masks[1:]), np.ones(1, np.bool_)]
    return [
        (weight * mask, bias * kept)
        for (weight, bias), mask, kept in zip(layers, masks, read, strict=True)
    ]


# Common to the three algorithms


def test_training_agrees_with_the_reference_trainer() -> None:
    # 300 batches reach the third epoch, with the third learning rate.
    experiment = Experiment(width=6, structure=(6, 6, 6), batch_size=4, epochs=5)
    layers = layers_of(experiment)
    network = SlowNetwork(experiment, layers, dense(layers), torch.float64)
    for batch in batches(experiment, DATASET, 300, torch.float64):
        network.step(batch)
    reference = train_reference(
        experiment, DATASET, init=list(layers), steps=300, dtype=torch.float64
    )
    slow = network.result([]).layers
    for (weight, bias), (true_weight, true_bias) in zip(slow, reference.layers, strict=True):
        np.testing.assert_allclose(weight, true_weight, atol=1e-6)
        np.testing.assert_allclose(bias, true_bias, atol=1e-6)


# GMP


def test_gmp_has_the_ramp_of_the_paper() -> None:
    events = gmp_events(PAPER_STEPS)
    assert len(events) == 201
    assert events[:2] == [97, 194]
    assert events[-3:] == [199 * 97, 200 * 97, 201 * 97]
    assert gmp_events(1199)[0] == 5
    ranks = [gmp_rank(t, PAPER_STEPS, 560, 30) for t in events]
    # (198 / 199)^3 * 530 = 522.05 and (99 / 199)^3 * 530 = 65.26.
    assert ranks[0] == 552
    assert ranks[99] == 95
    assert ranks[-4:] == [30, 30, 29, 29]


@pytest.mark.parametrize(("n", "k"), [(27, 15), (560, 30), (8384, 65), (131_840, 15)])
def test_gmp_rank_is_exact(n: int, k: int) -> None:
    for j, t in enumerate(gmp_events(PAPER_STEPS), start=1):
        exact = k + (n - k) * (1 - Fraction(j, 199)) ** 3
        assert gmp_rank(t, PAPER_STEPS, n, k) == int(exact)


@pytest.mark.parametrize(("width", "target", "left"), [(16, 30, 28), (64, 65, 63)])
def test_gmp_leaves_the_known_number_of_weights(width: int, target: int, left: int) -> None:
    experiment = experiment_of("gmp", width, target)
    layers = layers_of(experiment)
    result = slow_gmp(experiment, layers, DATASET)
    n = sum(weight.size for weight, _ in layers)
    assert [event.batch for event in result.events] == list(range(3, 605, 3))
    # Trained weights have no ties: one fewer than the rank is left.
    expected = [gmp_rank(event.batch, 605, n, target) - 1 for event in result.events]
    assert [event.kept for event in result.events] == expected
    assert expected[-1] == left
    assert sum(np.count_nonzero(weight) for weight, _ in result.layers) == left


def test_gmp_never_brings_a_weight_back() -> None:
    experiment = experiment_of("gmp", 8, 20)
    result = slow_gmp(experiment, layers_of(experiment), DATASET)
    for before, after in zip(result.events, result.events[1:], strict=False):
        for early, late in zip(before.masks, after.masks, strict=True):
            assert not (late & ~early).any()


def test_gmp_prunes_before_its_step() -> None:
    experiment = experiment_of("gmp", 8, 20)
    layers = layers_of(experiment)
    before = slow_gmp(experiment, layers, DATASET, steps=3)
    after = slow_gmp(experiment, layers, DATASET, steps=4)
    assert before.events == []
    assert all(mask.all() for mask in before.weight_masks)
    assert not np.array_equal(before.layers[0][0], layers[0][0])
    # 152 weights, and 20 + 132 * (198 / 199)^3 = 150.02.
    magnitudes = np.concatenate([abs(weight).ravel() for weight, _ in before.layers])
    kept = magnitudes > np.sort(magnitudes)[::-1][150 - 1]
    assert kept.sum() == 149
    assert np.array_equal(np.concatenate([m.ravel() for m in after.weight_masks]), kept)


# LTH


def test_lth_counts_agree_with_the_formula() -> None:
    # 560 / 14^(r/4): 289.5, 149.7, 77.4, and 40 itself.
    assert [lth_rank(r, 560, 40) for r in (1, 2, 3, 4)] == [289, 149, 77, 40]


@pytest.mark.parametrize(("width", "target"), [(4, 15), (4, 30), (6, 26), (8, 53), (256, 37)])
def test_lth_rank_is_subject_to_rounding(width: int, target: int) -> None:
    # In double precision N * (k / N) is a little below k for these networks of the paper.
    n = 2 * width**2 + 3 * width
    assert lth_rank(4, n, target) == target - 1


def test_lth_leaves_the_known_number_of_weights() -> None:
    experiment = experiment_of("lth", 16, 40, epochs=1)
    result = slow_lth(experiment, layers_of(experiment), DATASET)
    assert [event.batch for event in result.events] == [121, 242, 363, 484]
    assert [event.kept for event in result.events] == [288, 148, 76, 39]
    assert sum(np.count_nonzero(weight) for weight, _ in result.layers) == 39


def test_lth_restarts_each_round() -> None:
    # Cosine over two epochs, so that a schedule that is not restarted would halve the rate.
    experiment = experiment_of("lth", 6, 20, epochs=2)
    layers = layers_of(experiment)
    trained = slow_lth(experiment, layers, DATASET, steps=242)
    rewound = slow_lth(experiment, layers, DATASET, steps=243)
    assert trained.events == []
    # 90 weights: int(90 * (20 / 90)^(1 / 4)) = int(61.79).
    magnitudes = np.concatenate([abs(weight).ravel() for weight, _ in trained.layers])
    kept = magnitudes > np.sort(magnitudes)[::-1][61 - 1]
    assert np.array_equal(np.concatenate([m.ravel() for m in rewound.weight_masks]), kept)

    start = zero_where_masked(layers, rewound.weight_masks)
    gradients = gradients_of(start, batch_of(experiment, 242))
    moved_once = []
    for (weight, bias), (by_weight, by_bias) in zip(start, gradients, strict=True):
        new_weight = weight - 0.05 * (by_weight + 5e-4 * weight)
        new_bias = bias - 0.05 * (by_bias + 5e-4 * bias)
        moved_once.append((new_weight.astype(np.float32), new_bias.astype(np.float32)))
    expected = zero_where_masked(moved_once, rewound.weight_masks)
    for (weight, bias), (true_weight, true_bias) in zip(rewound.layers, expected, strict=True):
        np.testing.assert_allclose(weight, true_weight, atol=1e-7)
        np.testing.assert_allclose(bias, true_bias, atol=1e-7)


# RigL


def test_erk_distributes_the_target() -> None:
    for width in (3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 256):
        shapes = shapes_of(width)
        sizes = [rows * columns for rows, columns in shapes]
        for target in [*range(15, 27), 30, 33, 37, 40, 44, 50, 53, 55, 57, 60, 65]:
            if target < sum(sizes):
                densities = erk_densities(shapes, target)
                assert all(0 < density <= 1 for density in densities)
                spread = sum(d * size for d, size in zip(densities, sizes, strict=True))
                assert spread == pytest.approx(target)


def removed_in_layer_order(shapes: list[tuple[int, int]], target: int) -> list[int]:
    """Return `removed_per_layer`, with eps summed in the order of the layers."""
    sizes = [rows * columns for rows, columns in shapes]
    raw = [sum(shape) / size for shape, size in zip(shapes, sizes, strict=True)]
    dense = [density == 1 for density in erk_densities(shapes, target)]
    density = target / sum(sizes)
    wanted = parts = 0.0
    for layer, size in enumerate(sizes):
        wanted += -size * (1 - density) if dense[layer] else size * density
        parts += 0 if dense[layer] else raw[layer] * size
    return [
        0 if dense[layer] else int((1 - wanted / parts * raw[layer]) * size)
        for layer, size in enumerate(sizes)
    ]


def test_order_of_erk_sums_does_not_change_counts_on_the_papers_grid() -> None:
    overparam = [*range(15, 27), 30, 33, 37, 40, 44, 50, 53, 55, 57, 60, 65]
    grid = {width: overparam for width in (3, 4, 5, 7, 8, 32, 64, 128, 256)}
    grid |= {width: sorted({*overparam, *range(24, 31), 32, 34, 36}) for width in (6, 16)}
    for width, targets in grid.items():
        shapes = shapes_of(width)
        for target in targets:
            if target < sum(rows * columns for rows, columns in shapes):
                assert removed_in_layer_order(shapes, target) == removed_per_layer(shapes, target)


def test_erk_without_dense_layers_agrees_with_hand_computation() -> None:
    # raw * size is n_in + n_out: 18, 32, 32, 17, together 99. So eps = 40 / 99.
    densities = erk_densities(shapes_of(16), 40)
    by_hand = [18 / 32 * 40 / 99, 32 / 256 * 40 / 99, 32 / 256 * 40 / 99, 17 / 16 * 40 / 99]
    assert densities == pytest.approx(by_hand)
    # Removed: 24.73, 243.07, 243.07, 9.13, rounded down, which leaves 8 + 13 + 13 + 7 = 41.
    assert removed_per_layer(shapes_of(16), 40) == [24, 243, 243, 9]


def test_erk_makes_saturated_layers_dense() -> None:
    # Width 3, 24 of 27. raw: 5/6, 2/3, 2/3, 4/3; raw * size: 5, 6, 6, 4.
    # eps = 24/21, and 4/3 * 24/21 > 1: the output layer is dense.
    # eps = (24 - 3) / 17, and 5/6 * 21/17 = 1.03 > 1: the first layer is dense.
    # eps = (24 - 3 - 6) / 12 = 5/4, and 2/3 * 5/4 = 5/6.
    densities = erk_densities(shapes_of(3), 24)
    assert densities == pytest.approx([1, 5 / 6, 5 / 6, 1])
    assert densities[0] == densities[3] == 1
    assert removed_per_layer(shapes_of(3), 24) == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("width", "target", "removed", "exactly"),
    [
        (3, 20, [0, 3, 3, 0], [1, 3, 3, 0]),
        (4, 26, [1, 7, 7, 0], [2, 8, 8, 0]),
        (5, 55, [0, 4, 4, 0], [0, 5, 5, 0]),
        (5, 57, [0, 3, 3, 0], [0, 4, 4, 0]),
        (6, 50, [0, 19, 19, 0], [1, 19, 19, 0]),
        (7, 20, [9, 42, 42, 3], [10, 42, 42, 3]),
        (32, 65, [52, 1002, 1002, 20], [52, 1002, 1002, 21]),
    ],
)
def test_erk_count_is_subject_to_rounding(
    width: int, target: int, removed: list[int], exactly: list[int]
) -> None:
    # All networks of the paper where (1 - density) * n is an integer that rounding just misses.
    shapes = shapes_of(width)
    assert removed_per_layer(shapes, target) == removed
    shares = [
        (1 - Fraction(density).limit_denominator(10_000)) * rows * columns
        for density, (rows, columns) in zip(erk_densities(shapes, target), shapes, strict=True)
    ]
    assert [int(share) for share in shares] == exactly


def test_rigl_moves_at_the_known_steps() -> None:
    assert rigl_events(PAPER_STEPS) == list(range(100, 14_601, 100))
    # Step 0.75 * 400 = 300 itself is excluded.
    assert rigl_events(400) == [100, 200]


def test_rigl_moves_the_known_number() -> None:
    # Nearly 30 % at first: 3.9 of 13. Half of that in the middle: 1.95. Nearly none at the end.
    assert moved(13, 100, PAPER_STEPS) == 3
    assert moved(13, 7300, PAPER_STEPS) == 1
    assert moved(100, 14_600, PAPER_STEPS) == 0
    # 13 * 0.15 * (1 + cos(pi * 4600 / 14625)) = 3.02, and 2.95 at 4800.
    assert [moved(13, step, PAPER_STEPS) for step in (4600, 4800)] == [3, 2]


def test_rigl_drops_and_grows_weights_as_by_hand() -> None:
    weight = [[0.5, 0.0, -0.1], [0.0, 0.2, -0.9]]
    mask = [[True, False, True], [False, True, True]]
    # The weights -0.1 and 0.2 are dropped. Of the four inactive weights, those with gradients -7
    # and 3 are grown: one that was inactive, and 0.2, which returns at once.
    gradient = [[9.0, -7.0, 1.0], [2.0, 3.0, 9.0]]
    new = [[True, True, False], [False, True, True]]
    assert drop_and_grow(weight, mask, gradient, 2) == new
    assert drop_and_grow(weight, mask, gradient, 0) == mask


def test_rigl_breaks_ties_in_row_major_order() -> None:
    weight = [[0.0, -0.5], [0.5, 0.5]]
    mask = [[False, True], [True, True]]
    # The last of three equal weights is dropped, the first of two without gradient is grown.
    gradient = [[0.0, 1.0], [1.0, 0.0]]
    assert drop_and_grow(weight, mask, gradient, 1) == [[True, True], [True, False]]
    # Active zeros are dropped first, and are distinguished from inactive weights.
    weight = [[0.0, 0.0, 0.0, 0.3]]
    mask = [[False, True, False, True]]
    gradient = [[0.0, 0.0, 1.0, 5.0]]
    assert drop_and_grow(weight, mask, gradient, 1) == [[False, False, True, True]]


@pytest.mark.parametrize(("width", "target"), [(16, 40), (3, 24), (5, 30)])
def test_rigl_keeps_the_number_of_weights_of_a_layer(width: int, target: int) -> None:
    experiment = experiment_of("rigl", width, target)
    masks = random_masks(experiment)
    result = slow_rigl(experiment, layers_of(experiment), masks, DATASET)
    assert [event.batch for event in result.events] == [100, 200, 300, 400]
    counts = [int(mask.sum()) for mask in masks]
    for event in result.events:
        assert [int(mask.sum()) for mask in event.masks] == counts
        for before, after, density in zip(
            masks, event.masks, erk_densities(shapes_of(width), target), strict=True
        ):
            assert density < 1 or np.array_equal(before, after)
    if width == 16:
        assert counts == [8, 13, 13, 7]
        assert not all(
            np.array_equal(before, after)
            for before, after in zip(masks, result.weight_masks, strict=True)
        )


def test_rigl_masks_follow_from_weights_and_gradient() -> None:
    experiment = experiment_of("rigl", 16, 40)
    layers, masks = layers_of(experiment), random_masks(experiment)
    before = slow_rigl(experiment, layers, masks, DATASET, steps=99)
    after = slow_rigl(experiment, layers, masks, DATASET, steps=100)
    gradients = gradients_of(before.layers, batch_of(experiment, 99))
    for layer, (weight, _) in enumerate(before.layers):
        mask, gradient = masks[layer].ravel(), abs(gradients[layer][0]).ravel()
        magnitude = abs(weight).ravel()
        count = moved(int(mask.sum()), 100, 605)
        assert count == int(int(mask.sum()) * 0.15 * (1 + np.cos(np.pi * 100 / 453)))
        active = [place for place in range(mask.size) if mask[place]]
        dropped = sorted(active, key=lambda place: (magnitude[place], place))[:count]
        rest = [place for place in range(mask.size) if not mask[place] or place in dropped]
        grown = sorted(rest, key=lambda place: (-gradient[place], place))[:count]
        expected = sorted((set(active) - set(dropped)) | set(grown))
        assert np.flatnonzero(after.weight_masks[layer]).tolist() == expected


def test_rigl_does_not_update_in_a_change() -> None:
    experiment = experiment_of("rigl", 16, 40)
    layers, masks = layers_of(experiment), random_masks(experiment)
    before = slow_rigl(experiment, layers, masks, DATASET, steps=99)
    after = slow_rigl(experiment, layers, masks, DATASET, steps=100)
    # Active weights keep their values, even if dropped and grown at once; grown ones are zero.
    expected = zero_where_masked(before.layers, after.weight_masks)
    for (weight, bias), (true_weight, true_bias) in zip(after.layers, expected, strict=True):
        assert np.array_equal(weight, true_weight)
        assert np.array_equal(bias, true_bias)


def test_rigl_grown_weight_has_no_momentum() -> None:
    experiment = experiment_of("rigl", 16, 40)
    layers, masks = layers_of(experiment), random_masks(experiment)
    event = slow_rigl(experiment, layers, masks, DATASET, steps=100)
    after = slow_rigl(experiment, layers, masks, DATASET, steps=101)
    seen = 0
    for layer, (gradient, _) in enumerate(gradients_of(event.layers, batch_of(experiment, 100))):
        grown = event.weight_masks[layer] & ~masks[layer]
        step = after.layers[layer][0][grown]
        np.testing.assert_allclose(step, -0.05 * gradient[grown], atol=1e-8)
        seen += int(np.count_nonzero(step))
    assert seen > 0


def test_returned_bias_starts_at_zero_without_momentum() -> None:
    experiment = experiment_of("rigl", 3, 20)
    layers = layers_of(experiment)
    network = SlowNetwork(experiment, layers, dense(layers), torch.float64)
    data = batches(experiment, DATASET, None, torch.float64)
    bias = network.linears[0].bias
    network.step(next(data))
    velocity = network.optimiser.state[bias]["momentum_buffer"]
    assert velocity.all()
    # The first neuron of the first hidden layer has no outgoing weights any more.
    fewer = dense(layers)
    fewer[1] = [[False, True, True]] * 3
    network.set_masks(fewer)
    network.step(next(data))
    assert network.bias_masks[0] == [False, True, True]
    network.set_masks(dense(layers))
    assert (bias != 0).tolist() == (velocity != 0).tolist() == [False, True, True]
    # The new outgoing weights of the neuron are zero, so its bias has no gradient yet.
    network.step(next(data))
    assert (bias != 0).tolist() == [False, True, True]
    network.step(next(data))
    assert bias.all()


def test_rigl_keeps_the_momentum_of_kept_weights() -> None:
    experiment = experiment_of("rigl", 16, 40)
    layers, masks = layers_of(experiment), random_masks(experiment)
    runs = [
        slow_rigl(experiment, layers, masks, DATASET, steps=steps) for steps in (98, 99, 100, 101)
    ]
    gradients = gradients_of(runs[2].layers, batch_of(experiment, 100))
    moving = 0
    for layer, (gradient, _) in enumerate(gradients):
        w98, w99, w100, w101 = (run.layers[layer][0] for run in runs)
        stays = masks[layer] & runs[2].weight_masks[layer]
        velocity = (w98 - w99) / 0.05
        step = 0.05 * (0.9 * velocity + gradient + 5e-4 * w100)
        np.testing.assert_allclose(w101[stays], (w100 - step)[stays], atol=1e-6)
        moving += int(np.count_nonzero(velocity[stays]))
    assert moving > 0


def test_masked_parameters_stay_zero_in_double_precision() -> None:
    experiment = experiment_of("rigl", 5, 30)
    masks = random_masks(experiment)
    result = slow_rigl(
        experiment, layers_of(experiment), masks, DATASET, steps=250, dtype=torch.float64
    )
    for (weight, bias), mask, bias_mask in zip(
        result.layers, result.weight_masks, result.bias_masks, strict=True
    ):
        assert not weight[~mask].any()
        assert not bias[~bias_mask].any()
