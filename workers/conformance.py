"""What every method and data set must satisfy, the project's own and those of plug-ins.

Each check is named for the failure that it looks for, and raises AssertionError where it finds it;
the first line of its docstring says what holds otherwise. In the tests of a plug-in::

    @pytest.mark.parametrize("check", METHOD_CHECKS, ids=lambda check: check.__name__)
    def test_contract_is_broken(check):
        check("noisy")

`sparsest plugins --check noisy` does the same from the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from pruning.selection import by_layer
from search.experiment import Experiment
from search.methods import method_named
from workers.datasets import Dataset, load_dataset, make_dataset
from workers.initial import StoredInit, initial_network, starting_network
from workers.mask_schedule import mask_schedule_of, train_with_mask_schedule
from workers.start import Start, start_of
from workers.train import train_batch

Check = Callable[[str], None]
"""Called with the name of a method or of a data set."""


def pruned_experiment(method: str, width: int, target: int, replicate: int = 0) -> Experiment:
    """A training of one epoch on the Cubist Spiral."""
    return Experiment(
        method=method, width=width, target_nnz=target, lr=0.1, replicate=replicate, epochs=1
    )


def settled(experiment: Experiment, dataset: Dataset) -> Start:
    """The network and its masks where the masks do not change any more."""
    if not method_named(experiment.method).masks_change:
        return start_of(experiment, dataset, {})
    trained = train_with_mask_schedule(
        experiment, dataset, *mask_schedule_of(experiment, dataset, {})
    )
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(trained.sizes)]
    weights = np.zeros(sum(n_out * n_in for n_out, n_in in shapes), np.bool_)
    biases = np.zeros(sum(n_out for n_out, _ in shapes), np.bool_)
    weights[trained.weight_index] = True
    biases[trained.bias_index] = True
    bias_ends = np.cumsum([n_out for n_out, _ in shapes])[:-1]
    return Start(trained.layers, by_layer(weights, shapes), np.split(biases, bias_ends))


def masks_do_not_fit_the_network(method: str) -> None:
    """The masks fit the network and prune something of it, from width 3 to 256."""
    for width in (3, 8, 64, 256):
        start = settled(pruned_experiment(method, width, 20), _spiral())
        widths = (2, width, width, width, 1)
        shapes = [(n_out, n_in) for n_in, n_out in pairwise(widths)]
        masks = [*start.weight_masks, *start.bias_masks]
        found = [mask.shape for mask in masks]
        _need(found == [*shapes, *(shape[:1] for shape in shapes)], f"width {width}: {found}")
        _need(all(mask.dtype == np.bool_ for mask in masks), f"width {width}: not bool")
        _need(not all(mask.all() for mask in start.weight_masks), f"width {width}: nothing pruned")


def something_else_than_the_seeds_decides(method: str) -> None:
    """Its seeds decide: a repetition has other masks, global random numbers change nothing."""
    import torch

    kept = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)
        kept.append(settled(pruned_experiment(method, 8, 30), _spiral()))
    _need(flat(kept[0]) == flat(kept[1]), "two calls gave other masks: draw no random numbers")
    for ours, theirs in zip(kept[0].layers, kept[1].layers, strict=True):
        _need(all(map(np.array_equal, ours, theirs)), "two calls gave other parameters")
    other = settled(pruned_experiment(method, 8, 30, replicate=1), _spiral())
    _need(flat(kept[0]) != flat(other), "a repetition has the same masks")


def number_of_threads_decides(method: str) -> None:
    """The masks are the same with one thread of torch and with two."""
    import torch

    threads = torch.get_num_threads()
    kept = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            kept.append(flat(settled(pruned_experiment(method, 256, 40), _spiral())))
            _need(torch.get_num_threads() == number, "it sets torch's number of threads")
    finally:
        torch.set_num_threads(threads)
    _need(kept[0] == kept[1], "other masks with two threads than with one")


def start_is_not_the_masked_initial_network(method: str) -> None:
    """The initial weights are masked, and not changed, where it prunes before training."""
    if method_named(method).masks_change:
        return
    experiment = pruned_experiment(method, 8, 30)
    start = start_of(experiment, _spiral(), {})
    initial = starting_network(experiment, {})
    masks = zip(start.weight_masks, start.bias_masks, strict=True)
    for ours, before, kept in zip(start.layers, initial, masks, strict=True):
        for array, first, mask in zip(ours, before, kept, strict=True):
            _need(np.array_equal(array, first * mask), "weights are changed, not only masked")


def stored_initialisation_is_drawn_anew(method: str) -> None:
    """A stored initialisation is taken as it is, where it prunes before training."""
    if method_named(method).masks_change:
        return
    stored = StoredInit("mine", "0" * 16, initial_network(Experiment()))
    experiment = replace(pruned_experiment(method, 16, 40), init=stored.token)
    start = start_of(experiment, _spiral(), {stored.token: stored})
    for ours, given in zip(start.layers, stored.layers, strict=True):
        for array, numbers in zip(ours, given, strict=True):
            strange = set(array[array != 0].tolist()) - set(numbers.ravel().tolist())
            _need(not strange, "the network has weights that the stored initialisation has not")


def collapsed_network_stops_a_sweep(method: str) -> None:
    """A network that no gradient reaches gives a row, though its scores are 0, or 0/0."""
    dead = [(np.zeros_like(w), np.full_like(b, -1)) for w, b in initial_network(Experiment())]
    stored = StoredInit("dead", "0" * 16, dead)
    experiments = [
        replace(pruned_experiment(method, width, 15), init=stored.token) for width in (3, 16)
    ]
    for row in train_batch(experiments, {stored.token: stored}).to_pylist():
        _need(row["status"] == "collapsed", f"its status is {row['status']}")
        _need(row["effective_nnz"] == 0, "weights lie on a path")
        _need(row["disconnected_nnz"] == row["weight_nnz"], "weights are neither on a path nor off")
        _need(row["connection"] != "path", "it is said to be connected")
        _need(row["used_neurons"] == [0, 0, 0], "neurons are said to be used")
        _need(0.4 < row["accuracy"] < 0.6, f"its accuracy is {row['accuracy']}")


def batch_mates_change_a_row(method: str) -> None:
    """A row is the same, to the bit, whatever the experiment is trained with."""
    case = pruned_experiment(method, 16, 40)
    candidates = [
        replace(case, method=mate, width=width, lr=0.001 * n)
        for mate in (method, "snip", "gmp")
        for width in (4, 16)
        for n in range(1, 60)
    ]
    candidates += [Experiment(structure=(3, n, 2), epochs=1) for n in range(1, 17)]
    mates = [other for other in candidates if other.order_stream == case.order_stream]
    _need(bool(mates), "no experiment shares the data order: nothing would be tested")
    rows = train_batch([*mates, candidates[0], case]).to_pylist()
    (alone,) = train_batch([case]).to_pylist()
    for row in (alone, rows[-1]):
        del row["train_ms"]
    _need(rows[-1] == alone, "trained with others it is another row than alone")


def row_holds_another_network_than_was_trained(method: str) -> None:
    """The columns that describe the network agree with its weights."""
    (row,) = train_batch([pruned_experiment(method, 16, 40)]).to_pylist()
    left = len(row["weights"])
    start = settled(pruned_experiment(method, 16, 40), _spiral())
    _need(row["layers"] == [2, 16, 16, 16, 1], f"its layers are {row['layers']}")
    _need(left == len(row["weight_index"]) == sum(m.sum() for m in start.weight_masks), "weights")
    _need(row["weight_nnz"] == np.count_nonzero(row["weights"]), "weight_nnz")
    _need(row["model_nnz"] == row["weight_nnz"] + np.count_nonzero(row["biases"]), "model_nnz")
    _need(len(row["biases"]) == len(row["bias_index"]) <= 49, "biases")
    _need(row["target_nnz"] == 40 and row["structure"] is None, "the specification")


def impossible_target_is_taken(method: str) -> None:
    """A target_nnz that is missing, or not below the number of weights, is refused."""
    for target in (None, 0, 27, 1000):
        experiment = Experiment(method=method, width=3, target_nnz=target)
        said = _refusal(experiment)
        _need(
            f"target_nnz {target} " in said and method in said and "1 to 26" in said,
            f"target_nnz {target} of 27 weights: {said or 'no ValueError'}; "
            "pruning.protocol.target_of refuses as it should",
        )


def given_masks_are_ignored(method: str) -> None:
    """Masks that come with the experiment are refused."""
    experiment = Experiment(method=method, width=3, target_nnz=15, masks=("11|11|10",))
    said = _refusal(experiment)
    _need("chooses its masks itself" in said, said or "no ValueError")


METHOD_CHECKS: tuple[Check, ...] = (
    masks_do_not_fit_the_network,
    something_else_than_the_seeds_decides,
    number_of_threads_decides,
    start_is_not_the_masked_initial_network,
    stored_initialisation_is_drawn_anew,
    collapsed_network_stops_a_sweep,
    batch_mates_change_a_row,
    row_holds_another_network_than_was_trained,
    impossible_target_is_taken,
    given_masks_are_ignored,
)
"""Of a method that chooses its masks."""


def data_set_is_another_one_each_time(dataset: str) -> None:
    """Made twice, it has the same bits."""
    first, second = make_dataset(dataset), make_dataset(dataset)
    _need(first.points.tobytes() == second.points.tobytes(), "other points the second time")
    _need(first.labels.tobytes() == second.labels.tobytes(), "other labels the second time")


def features_have_other_scales(dataset: str) -> None:
    """Every feature has mean 0 and variance 1, as `workers.datasets.standardised` makes them."""
    points = load_dataset(dataset).points.astype(np.float64)
    _need(bool(np.allclose(points.mean(axis=0), 0, atol=1e-3)), "a feature's mean is not 0")
    _need(bool(np.allclose(points.std(axis=0), 1, atol=1e-2)), "a feature's variance is not 1")


def class_is_empty(dataset: str) -> None:
    """Both labels occur, and there is a batch of the usual size."""
    made = load_dataset(dataset)
    _need(0 < made.labels.sum() < len(made), "only one label occurs")
    made.steps_per_epoch(Experiment().batch_size)


def network_for_it_cannot_be_trained(dataset: str) -> None:
    """A network is trained on it, and its row says so."""
    (row,) = train_batch([Experiment(dataset=dataset, structure=(4, 4), epochs=1)]).to_pylist()
    _need(row["status"] in ("ok", "collapsed"), f"{row['status']}: {row['reason']}")
    _need(row["layers"] == [load_dataset(dataset).features, 4, 4, 1], f"layers {row['layers']}")


DATASET_CHECKS: tuple[Check, ...] = (
    data_set_is_another_one_each_time,
    features_have_other_scales,
    class_is_empty,
    network_for_it_cannot_be_trained,
)
"""Of a data set."""


def flat(start: Start) -> list[bool]:
    """All masks of a network in one row."""
    masks = [*start.weight_masks, *start.bias_masks]
    return [bool(kept) for mask in masks for kept in mask.ravel()]


def _spiral() -> Dataset:
    return load_dataset("cubist-spiral")


def _refusal(experiment: Experiment) -> str:
    """What is said where an experiment is refused; nothing where it is not."""
    try:
        settled(experiment, _spiral())
    except ValueError as error:
        return str(error)
    return ""


def _need(holds: bool, otherwise: str) -> None:
    # No assert statement: it would look at nothing where Python runs with -O.
    if not holds:
        raise AssertionError(otherwise)
