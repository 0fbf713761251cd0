"""Checks that every method and data set must pass, including those of plug-ins.

Each check is named for its guarantee and raises AssertionError where that does not hold. In the
tests of a plug-in::

    @pytest.mark.parametrize("check", METHOD_CHECKS, ids=lambda check: check.__name__)
    def test_contract(check):
        check("noisy")

`sparsest plugins --check noisy` runs the same checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np
import torch

from pruning.protocol import Snapshot
from pruning.segments import at_rest
from search.experiment import Experiment
from search.layers import StoredInit, by_layer, count_kept
from search.methods import method_named
from search.process_state import all_changes
from search.structure import Structure
from workers.datasets import Dataset, check_standardised, load_dataset, make_dataset
from workers.fast import train_fast
from workers.initial import initial_network, starting_network
from workers.start import start_of
from workers.train import MAX_TARGET_RATIO, train_batch

Check = Callable[[str], None]
"""A check, called with the name of a method or data set. The first line of its docstring is the
guarantee."""


def pruned_experiment(
    method: str, network: int | Structure, target: int, replicate: int = 0
) -> Experiment:
    """Return a training of one epoch on the Cubist Spiral, without a target if it has none.

    It starts from these hidden layers; a number is the width of three.
    """
    hidden = Structure.uniform(network) if isinstance(network, int) else network
    structure, width = hidden.as_whole
    return Experiment(
        method=method,
        structure=structure,
        width=width,
        target_nnz=target if has_budget(method) else None,
        lr=0.1,
        replicate=replicate,
        epochs=1,
    )


def has_budget(method: str) -> bool:
    """Return whether a method prunes to a number of weights."""
    return "target_nnz" in method_named(method).keys


def with_final_masks(experiment: Experiment, dataset: Dataset) -> Snapshot:
    """Return the network with its final masks: before training, or after it if they change then."""
    if not method_named(experiment.method).masks_change(experiment):
        return start_of(experiment, dataset, {})
    (trained,) = train_fast([experiment], dataset, {})
    layers = trained.layers
    masks = []
    for part, index in enumerate((trained.weight_index, trained.bias_index)):
        shapes = [layer[part].shape for layer in layers]
        kept = np.zeros(sum(map(prod, shapes)), np.bool_)
        kept[index] = True
        masks.append(by_layer(kept, shapes))
    weight_masks, bias_masks = masks
    return Snapshot(layers, at_rest(layers), weight_masks, bias_masks)


def masks_fit_the_network(method: str) -> None:
    """Masks have the shapes of the network, and a budget prunes it, at widths from 3 to 256."""
    # An adaptive method, which may train the whole network several times, only up to 64.
    for width in (3, 8, 64) if method_named(method).prunes == "adaptive" else (3, 8, 64, 256):
        hidden = Structure.uniform(width)
        start = with_final_masks(pruned_experiment(method, hidden, 20), _spiral())
        _require_shapes(start, hidden)
        kept_all = all(mask.all() for mask in start.weight_masks)
        _require(not (kept_all and has_budget(method)), f"{hidden}: no weight is pruned")


def networks_of_any_depth_are_pruned(method: str) -> None:
    """From 1 to 5 hidden layers of equal or unequal widths, about the target, if any, is kept."""
    for hidden in map(Structure, ((16,), (12, 5), (8, 6, 9, 7), (8, 8, 8, 8, 8))):
        start = with_final_masks(pruned_experiment(method, hidden, 30), _spiral())
        _require_shapes(start, hidden)
        if has_budget(method):
            _require_count(start, hidden, 30)


def about_as_many_weights_as_the_target_are_kept(method: str) -> None:
    """The number of weights kept is near the target, if the method has one."""
    if not has_budget(method):
        return
    for width, target in ((8, 30), (16, 40), (64, 57)):
        hidden = Structure.uniform(width)
        # At twice this rate a network can become constant, which some methods then prune away.
        experiment = replace(pruned_experiment(method, hidden, target), lr=0.05)
        _require_count(with_final_masks(experiment, _spiral()), hidden, target)


def only_the_seeds_decide(method: str) -> None:
    """The experiment's seeds alone decide the network, so a replicate has another one."""
    starts = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)
        starts.append(with_final_masks(pruned_experiment(method, 8, 30), _spiral()))
    first, second = starts
    _require(
        flat_masks(first) == flat_masks(second),
        "two calls returned different masks; a method must not draw random numbers",
    )
    for ours, theirs in zip(first.layers, second.layers, strict=True):
        _require(all(map(np.array_equal, ours, theirs)), "two calls returned different parameters")
    other = with_final_masks(pruned_experiment(method, 8, 30, replicate=1), _spiral())
    if has_budget(method):
        _require(flat_masks(first) != flat_masks(other), "a replicate has the same masks")
    pairs = zip(first.layers, other.layers, strict=True)
    same = all(np.array_equal(ours, theirs) for (ours, _), (theirs, _) in pairs)
    _require(not same, "a replicate has the same weights")


def process_settings_are_unchanged(method: str) -> None:
    """Importing and running it changes no setting of the process, of NumPy or of torch."""
    with_final_masks(pruned_experiment(method, 8, 30), _spiral())
    changes = all_changes().get(f"method {method!r}", [])
    _require(not changes, "; ".join(changes))


def initial_weights_are_only_masked(method: str) -> None:
    """Pruning before training masks initial weights and does not otherwise change them."""
    if method_named(method).prunes != "before":
        return
    experiment = pruned_experiment(method, 8, 30)
    start = start_of(experiment, _spiral(), {})
    initial = starting_network(experiment, {})
    masks = zip(start.weight_masks, start.bias_masks, strict=True)
    for ours, before, kept in zip(start.layers, initial, masks, strict=True):
        for array, first, mask in zip(ours, before, kept, strict=True):
            _require(np.array_equal(array, first * mask), "weights are changed, not only masked")


def stored_initialisation_is_used(method: str) -> None:
    """Pruning before training keeps the weights of a stored initialisation."""
    if method_named(method).prunes != "before":
        return
    stored = StoredInit("mine", "0" * 16, initial_network(Experiment()))
    experiment = replace(pruned_experiment(method, 16, 40), init=stored.token)
    start = start_of(experiment, _spiral(), {stored.token: stored})
    for ours, original in zip(start.layers, stored.layers, strict=True):
        for array, numbers in zip(ours, original, strict=True):
            foreign = set(array[array != 0].tolist()) - set(numbers.ravel().tolist())
            _require(not foreign, "the network has weights that the stored initialisation lacks")


def collapsed_network_gives_a_row(method: str) -> None:
    """A network that no gradient reaches gives a row, although its scores are 0 or NaN."""
    dead = [(np.zeros_like(w), np.full_like(b, -1)) for w, b in initial_network(Experiment())]
    stored = StoredInit("dead", "0" * 16, dead)
    experiments = [
        replace(pruned_experiment(method, width, 15), init=stored.token) for width in (3, 16)
    ]
    for row in train_batch(experiments, {stored.token: stored}).to_pylist():
        _require(row["status"] == "collapsed", f"its status is {row['status']}")
        _require(row["effective_nnz"] == 0, "some weights are on a path")
        on_no_path = row["disconnected_nnz"] == row["weight_nnz"]
        _require(on_no_path, "some weights are neither on a path nor off one")
        _require(row["connection"] != "path", "it counts as connected")
        _require(row["used_neurons"] == [0, 0, 0], "some neurons count as used")
        _require(0.4 < row["accuracy"] < 0.6, f"its accuracy is {row['accuracy']}")


def row_is_independent_of_its_batch(method: str) -> None:
    """A row has the same bits whatever the experiment is trained with."""
    case = pruned_experiment(method, 16, 40)
    candidates = [
        replace(pruned_experiment(mate, width, 40), lr=0.001 * n)
        for mate in (method, "snip", "gmp")
        for width in (4, 16)
        for n in range(1, 60)
    ]
    candidates += [Experiment(structure=(3, n, 2), epochs=1) for n in range(1, 17)]
    mates = [other for other in candidates if other.order_stream == case.order_stream]
    _require(bool(mates), "no candidate shares the data order, so nothing would be tested")
    rows = train_batch([*mates, candidates[0], case]).to_pylist()
    (alone,) = train_batch([case]).to_pylist()
    for row in (alone, rows[-1]):
        del row["train_ms"]
    _require(rows[-1] == alone, "its row differs when it is trained with others")


def row_describes_the_trained_network(method: str) -> None:
    """The columns that describe the network agree with its weights."""
    (row,) = train_batch([pruned_experiment(method, 16, 40)]).to_pylist()
    _require(row["status"] != "failed", f"{row['reason']}")
    left = len(row["weights"])
    start = with_final_masks(pruned_experiment(method, 16, 40), _spiral())
    kept = count_kept(start.weight_masks)
    _require(row["layers"] == [2, 16, 16, 16, 1], f"layers are {row['layers']}")
    _require(left == len(row["weight_index"]) == kept, "weights")
    _require(row["weight_nnz"] == np.count_nonzero(row["weights"]), "weight_nnz")
    _require(row["model_nnz"] == row["weight_nnz"] + np.count_nonzero(row["biases"]), "model_nnz")
    _require(len(row["biases"]) == len(row["bias_index"]) <= 49, "biases")
    target = 40 if has_budget(method) else None
    _require(row["target_nnz"] == target and row["structure"] is None, "the specification")
    _require(row["steps"] >= 0 and row["edge_updates"] >= row["steps"], "steps, edge_updates")


def impossible_target_is_refused(method: str) -> None:
    """A target_nnz that the method does not use, or that is impossible or missing, is refused."""
    if not has_budget(method):
        message = _refusal(Experiment(method=method, width=3, target_nnz=20))
        _require("target_nnz" in message, message or "target_nnz: no ValueError")
        return
    for target in (None, 0, 27, 1000):
        message = _refusal(Experiment(method=method, width=3, target_nnz=target))
        _require(
            f"target_nnz {target} " in message and method in message and "1 to 26" in message,
            f"target_nnz {target} of 27 weights: {message or 'no ValueError'}; "
            "use pruning.protocol.target_of, which refuses it",
        )


def target_accuracy_is_kept(method: str) -> None:
    """With a target_accuracy that every network has, few weights are left, and it is kept."""
    if "target_accuracy" not in method_named(method).keys:
        return
    aimed = replace(pruned_experiment(method, 3, 15), target_nnz=None, target_accuracy=0.4)
    (row,) = train_batch([aimed]).to_pylist()
    _require(row["status"] in ("ok", "collapsed"), f"its status is {row['status']}")
    _require(row["accuracy"] >= 0.4, f"its accuracy is {row['accuracy']}")
    _require(len(row["weights"]) < 15, f"{len(row['weights'])} of 27 weights are left")
    both = _refusal(replace(aimed, target_nnz=15))
    _require("exclude each other" in both, both or "two targets: no ValueError")


def explicit_masks_are_refused(method: str) -> None:
    """An experiment that gives masks is refused."""
    experiment = replace(pruned_experiment(method, 3, 15), masks=("11|11|10",))
    message = _refusal(experiment)
    _require("chooses its masks itself" in message, message or "no ValueError")


METHOD_CHECKS: tuple[Check, ...] = (
    masks_fit_the_network,
    networks_of_any_depth_are_pruned,
    about_as_many_weights_as_the_target_are_kept,
    only_the_seeds_decide,
    process_settings_are_unchanged,
    initial_weights_are_only_masked,
    stored_initialisation_is_used,
    collapsed_network_gives_a_row,
    row_is_independent_of_its_batch,
    row_describes_the_trained_network,
    impossible_target_is_refused,
    target_accuracy_is_kept,
    explicit_masks_are_refused,
)
"""Checks of a method that chooses its masks."""

FAST_METHOD_CHECKS: tuple[Check, ...] = (
    only_the_seeds_decide,
    process_settings_are_unchanged,
    initial_weights_are_only_masked,
    impossible_target_is_refused,
    explicit_masks_are_refused,
)
"""Those that take seconds, for use while a method is written."""


def data_set_is_reproducible(dataset: str) -> None:
    """Made twice, it has the same bits."""
    first, second = make_dataset(dataset), make_dataset(dataset)
    _require(first.points.tobytes() == second.points.tobytes(), "the second call's points differ")
    _require(first.labels.tobytes() == second.labels.tobytes(), "the second call's labels differ")
    _require(first.digest == second.digest, "the second call's test split differs")


def features_are_standardised(dataset: str) -> None:
    """Every feature has mean 0 and variance 1, as `workers.datasets.standardised` returns it.

    The variance of pixels is 1 on average over the image.
    """
    try:
        check_standardised(load_dataset(dataset))
    except ValueError as error:
        raise AssertionError(str(error)) from error


def a_default_batch_fits(dataset: str) -> None:
    """There are enough points for a batch of the default size."""
    load_dataset(dataset).steps_per_epoch(Experiment().batch_size)


def process_settings_are_unchanged_by_the_data_set(dataset: str) -> None:
    """Importing and making it changes no setting of the process, of NumPy or of torch."""
    make_dataset(dataset)
    changes = all_changes().get(f"data set {dataset!r}", [])
    _require(not changes, "; ".join(changes))


def network_can_be_trained_on_it(dataset: str) -> None:
    """A network can be trained on it, and the row describes that network."""
    (row,) = train_batch([Experiment(dataset=dataset, structure=(4, 4), epochs=1)]).to_pylist()
    _require(row["status"] in ("ok", "collapsed"), f"{row['status']}: {row['reason']}")
    loaded = load_dataset(dataset)
    expected = [loaded.features, 4, 4, loaded.outputs]
    _require(row["layers"] == expected, f"layers {row['layers']}")


DATASET_CHECKS: tuple[Check, ...] = (
    data_set_is_reproducible,
    process_settings_are_unchanged_by_the_data_set,
    features_are_standardised,
    a_default_batch_fits,
    network_can_be_trained_on_it,
)
"""Checks of a data set."""


def flat_masks(start: Snapshot) -> list[bool]:
    """Return all masks of a network as one list."""
    masks = [*start.weight_masks, *start.bias_masks]
    return [bool(kept) for mask in masks for kept in mask.ravel()]


def _require_shapes(start: Snapshot, hidden: Structure) -> None:
    shapes = hidden.shapes(_spiral().features)
    masks = [*start.weight_masks, *start.bias_masks]
    found = [mask.shape for mask in masks]
    _require(found == [*shapes, *(shape[:1] for shape in shapes)], f"{hidden}: {found}")
    _require(all(mask.dtype == np.bool_ for mask in masks), f"{hidden}: not bool")


def _require_count(start: Snapshot, hidden: Structure, target: int) -> None:
    kept = count_kept(start.weight_masks)
    _require(
        target / MAX_TARGET_RATIO <= kept <= target * MAX_TARGET_RATIO,
        f"{hidden}: {kept} weights are kept, the target is {target}",
    )


def _spiral() -> Dataset:
    return load_dataset("cubist-spiral")


def _refusal(experiment: Experiment) -> str:
    """Return the message with which an experiment is refused; empty if it is accepted."""
    try:
        with_final_masks(experiment, _spiral())
    except ValueError as error:
        return str(error)
    return ""


def _require(condition: bool, problem: str) -> None:
    # Not an assert statement, which Python skips under -O.
    if not condition:
        raise AssertionError(problem)
