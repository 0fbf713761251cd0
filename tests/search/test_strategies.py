"""Search strategies on simulated results: what they propose, and that they propose it again."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice, pairwise, product
from pathlib import Path
from random import Random

import numpy as np
import pytest

from search.experiment import Experiment
from search.masks.burnside import count_distinct
from search.masks.text import mask_text
from search.strategies import problem as problem_module
from search.strategies.catalogue import STRATEGIES, strategy_named
from search.strategies.every_network import count_networks, sparsest_first
from search.strategies.halving import BRACKET, RESTARTS
from search.strategies.problem import Exhaustive, Masks, Problem, Trial
from search.strategies.racing import FIRST, MOST, Candidate, choose_candidates, race
from search.strategies.random_masks import random_masks, swapped
from search.strategies.statement import Tried

Score = Callable[[Experiment], float]


def share(experiment: Experiment, key: str = "") -> float:
    """Return a number from 0 to 1 that follows from an experiment."""
    digest = hashlib.blake2b(f"{experiment.experiment_id}{key}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32


def remove_first(problem: Problem, trial: Trial, count: int, weights: int) -> list[Masks]:
    """Return networks without `weights` weights in a row, from different positions on."""
    flat = np.concatenate([mask.ravel() for mask in problem.arrays(trial.experiment.masks)])
    kept = np.flatnonzero(flat)
    smaller = []
    for first in range(min(count, len(kept) - weights)):
        part = flat.copy()
        part[kept[first : first + weights]] = False
        ends = np.cumsum([n_out * n_in for n_out, n_in in problem.shapes])[:-1]
        arrays = [
            array.reshape(shape)
            for array, shape in zip(np.split(part, ends), problem.shapes, strict=True)
        ]
        smaller.append(tuple(map(mask_text, arrays)))
    return smaller


def problem(
    structure: tuple[int, ...] = (3, 2),
    *,
    exhaustive: Exhaustive | None = None,
    inputs: int = 2,
    outputs: int = 1,
) -> Problem:
    base = Experiment(study="search-x", structure=structure, epochs=54)
    shapes = base.hidden.shapes(inputs, outputs)

    def shrink(trial: Trial, count: int, weights: int) -> list[Masks]:
        return remove_first(made, trial, count, weights)

    made = Problem(base, shapes, 0.9, shrink, exhaustive)
    return made


def trial(task: Problem, experiment: Experiment, accuracy: float) -> Trial:
    weights = task.count(experiment)
    return Trial(experiment, accuracy, 1 - accuracy + 0.01 * share(experiment, "loss"), weights)


def rounds(
    name: str, task: Problem, count: int, accuracy: Score = share
) -> list[Sequence[Experiment]]:
    """Return the first rounds that a strategy proposes, answered with simulated accuracies."""
    proposals = strategy_named(name)(task)
    experiments, seen = next(proposals), []
    for _ in range(count):
        seen.append(experiments)
        experiments = proposals.send([trial(task, one, accuracy(one)) for one in experiments])
    return seen


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategy_proposes_the_same_again(name: str) -> None:
    first, second = (rounds(name, problem(), 12) for _ in range(2))
    assert first == second
    other = problem()
    other = Problem(
        Experiment(study="search-x", structure=(3, 2), epochs=54, root_seed=1),
        other.shapes,
        other.target,
        other.shrink,
    )
    assert rounds(name, other, 12) != first


@pytest.mark.parametrize("name", STRATEGIES)
def test_proposed_networks_fit_the_structure(name: str) -> None:
    task = problem((3, 2, 2))
    for proposed in rounds(name, task, 30):
        assert proposed
        for experiment in proposed:
            assert experiment.study == "search-x"
            assert experiment.hidden == (3, 2, 2)
            shapes = [mask.shape for mask in task.arrays(experiment.masks)]
            assert shapes == list(task.shapes)
            assert task.count(experiment) > 0


def test_halving_trains_the_best_third_longer_from_the_same_initial_weights() -> None:
    task = problem((4, 4))
    rungs = rounds("halving", task, 4)
    assert [len(rung) for rung in rungs] == [BRACKET, 27, 9, 3]
    assert [{one.epochs for one in rung} for rung in rungs] == [{2}, {6}, {18}, {54}]
    assert {one.init for one in rungs[0]} == {"fresh"}
    for before, after in pairwise(rungs):
        ranked = sorted((trial(task, one, share(one)) for one in before), key=lambda t: t.loss)
        assert [one.init for one in after] == [one.initial for one in ranked[: len(after)]]
        assert all(one.init.startswith("row:") for one in after)


def test_halving_looks_for_fewer_weights_after_a_success() -> None:
    task = problem((4, 4))
    counts = [
        {task.count(one) for one in proposed}
        for proposed in rounds("halving", task, 9, lambda one: 1.0)[::4]
    ]
    # From 28 weights down, in steps of a quarter.
    assert counts == [{28}, {21}, {16}]


def test_halving_tries_the_whole_network_from_other_initialisations_after_a_failure() -> None:
    task = problem((4, 4))
    brackets = rounds("halving", task, 9, lambda one: 0.0)[::4]
    assert {task.count(one) for bracket in brackets for one in bracket} == {task.weights}
    ids = {one.experiment_id for bracket in brackets for one in bracket}
    assert len(ids) == 3 * BRACKET


def test_exhaustive_halving_passes_over_all_distinct_networks() -> None:
    task = problem((2, 2), exhaustive=Exhaustive())
    networks = [one.masks for one in sparsest_first(task)]
    sizes = [task.count(task.experiment(masks)) for masks in networks]
    assert sizes == sorted(sizes)
    assert len(networks) == len(set(networks)) == count_distinct(2, (2, 2)).networks
    assert len(networks) == sum(count_networks(task, weights) for weights in range(11))
    first, second = rounds("halving", task, 5)[::4]
    for number, proposed in enumerate((first, second)):
        assert [one.masks for one in proposed[::RESTARTS]] == networks
        assert {one.replicate for one in proposed} == set(
            range(RESTARTS * number, RESTARTS * (number + 1))
        )


def test_networks_of_every_structure_come_the_sparsest_first() -> None:
    task = problem((1, 1), exhaustive=Exhaustive(any_structure=True))
    first = list(islice(sparsest_first(task), 150))
    sizes = [task.count(one) for one in first]
    assert sizes == sorted(sizes)
    assert len({one.experiment_id for one in first}) == 150
    for weights in range(sizes[-1]):
        found = Counter(one.hidden for one in first if task.count(one) == weights)
        # Every neuron has a weight to both sides.
        possible = [
            (a, b)
            for a, b in product(range(1, weights), repeat=2)
            if max(2, a) + max(a, b) + b <= weights
        ]
        counts = {
            one: count_networks(problem(one, exhaustive=Exhaustive()), weights) for one in possible
        }
        assert found == Counter(counts)
        assert found.total() == count_networks(task, weights)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_published_search_of_a_depth_tried_every_network(depth: int) -> None:
    file = Path(__file__).resolve().parents[2] / "results" / f"exhaustive-depth-{depth}.json"
    searched = json.loads(file.read_text())
    assert (searched["structure"], searched["depth"], searched["skipped"]) == (None, depth, 0)
    *complete, last = searched["tried"]
    assert last["networks"] <= last["distinct"]
    task = problem((1,) * depth, exhaustive=Exhaustive(any_structure=True))
    for one in complete:
        assert one["networks"] == one["distinct"]
        if one["weights"] <= 12:
            assert one["distinct"] == count_networks(task, one["weights"])
    weights = [one["weights"] for one in searched["tried"]]
    assert weights == [*range(depth + 2, weights[-1] + 1)]


def test_networks_of_a_large_structure_are_not_listed_first() -> None:
    task = problem((7, 3, 3), exhaustive=Exhaustive())
    sizes = [task.count(one) for one in islice(sparsest_first(task), 50)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 20  # a weight of each neuron of the widest layers


def test_statement_bounds_the_probability_of_what_was_not_found() -> None:
    task = problem((2, 2), exhaustive=Exhaustive())
    tried = Tried(task)
    for proposed in rounds("halving", task, 4):
        for one in proposed:
            tried.add(trial(task, one, float(task.count(one) == task.weights)))
    found = {one.weights: one for one in tried.statements()}
    assert sum(one.networks for one in found.values()) == count_distinct(2, (2, 2)).networks
    assert {one.restarts for one in found.values()} == {RESTARTS}
    dense = found.pop(max(found))
    # 27 of the dense network's trainings have 2 epochs, 9 have 6, 3 have 18, and 1 has 54.
    assert (dense.networks, dense.full, dense.max_success) == (1, 1, None)
    for statement in found.values():
        assert statement.max_success == pytest.approx(1 - 0.05 ** (1 / RESTARTS))


def test_elimination_continues_from_trained_weights_with_fewer_and_fewer_weights() -> None:
    task = problem((4, 4))
    proposed = rounds("eliminate", task, 6, lambda one: 1.0)
    counts = [max(task.count(one) for one in some) for some in proposed]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 6
    ids = [{one.experiment_id for one in some} for some in proposed]
    for before, after in zip(ids, proposed[1:], strict=False):
        assert all(one.init[4:-6] in before and one.init.endswith("/final") for one in after)


def test_elimination_starts_again_when_it_fails() -> None:
    fresh = [
        [one.replicate for one in some]
        for some in rounds("eliminate", problem((4, 4)), 30, lambda one: 0.5)
        if some[0].init == "fresh"
    ]
    assert fresh[:3] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_evolution_swaps_weights_until_a_network_succeeds() -> None:
    task = problem((4, 4))

    def only_dense(one: Experiment) -> float:
        return float(task.count(one) == task.weights)

    proposed = rounds("evolve", task, 20, only_dense)
    counts = [{task.count(one) for one in some} for some in proposed]
    # Dense networks, then 21 weights and six generations of swaps, each with a full training; then
    # half as many weights are removed.
    assert counts == [{28}] + [{21}] * 14 + [{25}] * 5
    assert [len(some) for some in proposed[:5]] == [4, 4, 1, 16, 1]


@pytest.mark.parametrize("structure", [(1,), (3, 2), (4, 4, 4), (2, 3, 2, 3)])
def test_random_network_has_the_number_of_weights_all_on_paths(structure: tuple[int, ...]) -> None:
    task, random = problem(structure), Random(0)
    for weights in range(len(task.shapes), task.weights + 1):
        arrays = task.arrays(random_masks(task, weights, random))
        assert sum(int(mask.sum()) for mask in arrays) == weights
        for before, after in pairwise(arrays):
            assert np.array_equal(before.any(1), after.any(0))
    for weights in (len(task.shapes) - 1, task.weights + 1):
        with pytest.raises(ValueError, match=str(weights)):
            random_masks(task, weights, random)


class PatientRandom(Random):
    """Random numbers of which more than a million fail a test, which would wait for minutes."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.drawn = 0

    def getrandbits(self, k: int, /) -> int:
        self.drawn += 1
        assert self.drawn < 1_000_000
        return super().getrandbits(k)


@pytest.mark.parametrize(
    ("inputs", "width", "outputs", "weights"), [(4, 8, 3, 6), (64, 16, 10, 13), (64, 16, 10, 32)]
)
def test_random_network_with_few_weights_has_a_path_to_each_of_many_outputs(
    inputs: int, width: int, outputs: int, weights: int
) -> None:
    task = problem((width,) * 3, inputs=inputs, outputs=outputs)
    arrays = task.arrays(random_masks(task, weights, PatientRandom(0)))
    assert sum(int(mask.sum()) for mask in arrays) == weights
    assert arrays[-1].any(1).all()
    for before, after in pairwise(arrays):
        assert np.array_equal(before.any(1), after.any(0))


def test_seeds_of_stored_searches_keep_their_networks() -> None:
    task = problem((8, 8, 8), inputs=4, outputs=3)
    # Their paths fit after 78 and 66 restarts.
    found = ["/".join(random_masks(task, 9, Random(seed))) for seed in (0, 2)]
    digests = [hashlib.blake2b(text.encode(), digest_size=4).hexdigest() for text in found]
    assert digests == ["1f9a0f92", "f45322a4"]


def test_strategy_in_the_documentation_proposes_networks_with_9_to_19_weights() -> None:
    example = "\n".join(re.findall(r"^    (.*)", str(problem_module.__doc__), re.MULTILINE))
    names = {**vars(problem_module), "random_masks": random_masks}
    exec(example, names)
    task = problem((4, 4))
    assert list(map(task.count, next(names["small_networks"](task)))) == list(range(9, 20))


def test_swap_moves_one_weight_to_a_place_between_used_neurons() -> None:
    task, random = problem((4, 4)), Random(0)
    for _ in range(50):
        masks = random_masks(task, 15, random)  # not those of a dense network
        before, after = task.arrays(masks), task.arrays(swapped(task, masks, random))
        lost = sum(int((a & ~b).sum()) for a, b in zip(before, after, strict=True))
        gained = sum(int((b & ~a).sum()) for a, b in zip(before, after, strict=True))
        assert (lost, gained) == (1, 1)


def run_race(task: Problem, candidates: list[Candidate], rate: Score) -> list[Trial]:
    proposals = race(task, candidates)
    done: list[Trial] = []
    try:
        experiments = next(proposals)
        while True:
            trials = [trial(task, one, float(share(one) < rate(one))) for one in experiments]
            done += trials
            experiments = proposals.send(trials)
    except StopIteration:
        return done


def test_race_gives_replicates_to_candidates_that_may_be_the_best() -> None:
    task = problem((3, 2))
    masks = [one.masks for one in islice(sparsest_first(task), 3)]
    selected = [trial(task, task.experiment(one), 1.0) for one in masks]
    rates = dict(zip(masks, (0.05, 0.95, 0.2), strict=True))
    candidates = [Candidate(one) for one in selected]
    done = run_race(task, candidates, lambda one: rates[one.masks])
    ids = [one.experiment.experiment_id for one in done]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {one.experiment.experiment_id for one in selected}
    counted = Counter(one.experiment.masks for one in done)
    reached = Counter(one.experiment.masks for one in done if task.reached(one))
    assert [(one.trials, one.hits) for one in candidates] == [
        (counted[one], reached[one]) for one in masks
    ]
    winner, others = candidates[1], candidates[::2]
    assert winner.trials == MOST
    assert winner.success is not None
    assert winner.success.low < 0.95 < winner.success.high
    assert all(FIRST <= other.trials < MOST for other in others)
    # Replicates start from the same initial weights, in other data orders.
    assert {one.experiment.init for one in done} == {one.initial for one in selected}
    assert len({one.experiment.order_stream for one in done[:FIRST]}) == FIRST


def test_candidates_are_different_networks_the_most_accurate_first() -> None:
    task = problem((3, 2))
    networks = [one.masks for one in islice(sparsest_first(task), 12)]
    reached = [
        trial(task, task.experiment(masks), 0.9 + n / 100) for n, masks in enumerate(networks)
    ]
    again = trial(task, task.experiment(networks[3], init=reached[3].initial, epochs=60), 0.99)
    found = choose_candidates(reached)
    assert [one.trial for one in found] == reached[:3:-1]
    # Of two trainings of one network from the same weights, the more accurate one.
    found = choose_candidates([*reached[:4], again])
    assert [one.trial for one in found] == [again, *reached[2::-1]]


def test_unknown_strategy_is_refused_with_the_allowed_names() -> None:
    with pytest.raises(ValueError, match="halving"):
        strategy_named("guessing")
