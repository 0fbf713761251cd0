from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.experiment import ORDER_STREAMS, Experiment
from search.structure import Structure

MASKED = Experiment(
    structure=(3, 2, 2), masks=("10|10|01", "011|100", "10|01"), schedule="step", replicate=3
)
PRUNED = Experiment(method="snip", target_nnz=40, lr=0.1, init="bench-95:00ff", root_seed=7)

OTHER_VALUES: dict[str, Any] = {
    "study": "other",
    "method": "lth",
    "dataset": "other",
    "width": 8,
    "structure": (3, 3, 3),
    "masks": ("10|10|01",),
    "target_nnz": 30,
    "target_accuracy": 0.95,
    "hyperparameters": (("rounds", 3),),
    "lr": 0.1,
    "schedule": "step",
    "momentum": 0.0,
    "weight_decay": 0.0,
    "batch_size": 64,
    "epochs": 10,
    "init": "bench-95:00",
    "init_scheme": "kaiming",
    "replicate": 1,
    "pair": True,
    "root_seed": 1,
}


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [
        (Experiment(), "f75d0a4f77808dee6fff9305eff891c9"),
        (MASKED, "1ccab8806902e3ed129c50fbb4cfdab6"),
        (PRUNED, "f4b949fbf5a744b900ad6839db65455d"),
    ],
)
def test_ids_of_stored_rows_are_stable(experiment: Experiment, expected: str) -> None:
    assert experiment.experiment_id == expected


def test_seeds_and_orders_of_stored_rows_are_stable() -> None:
    assert MASKED.seed("init") == 12767024879899740913
    assert (MASKED.order_stream, MASKED.order_seed) == (58, 12193408057633195946)


def test_every_field_is_part_of_the_id() -> None:
    assert set(OTHER_VALUES) == {field.name for field in fields(Experiment)}
    changed = [replace(Experiment(), **{name: value}) for name, value in OTHER_VALUES.items()]
    ids = {experiment.experiment_id for experiment in (Experiment(), *changed)}
    assert len(ids) == len(OTHER_VALUES) + 1


def test_streams_of_an_experiment_have_different_seeds() -> None:
    streams = ("init", "prune", "order", "")
    assert len({MASKED.seed(stream) for stream in streams}) == len(streams)


def test_experiments_have_different_seeds_of_the_same_stream() -> None:
    seeds = {replace(MASKED, replicate=replicate).seed("init") for replicate in range(1000)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**64 for seed in seeds)


@given(st.builds(Experiment, lr=st.floats(0.01, 1.0), width=st.integers(1, 64)), st.data())
def test_repetitions_have_different_data_orders(
    experiment: Experiment, data: st.DataObject
) -> None:
    one, other = data.draw(st.lists(st.integers(0, 10**6), min_size=2, max_size=2, unique=True))
    first, second = (replace(experiment, replicate=replicate) for replicate in (one, other))
    assert first.order_stream != second.order_stream
    assert first.order_seed != second.order_seed
    assert first.order_stream - second.order_stream == one - other


def test_unrepeated_experiments_share_few_data_orders_evenly() -> None:
    streams = [Experiment(lr=0.001 * n).order_stream for n in range(1, 6401)]
    assert set(streams) == set(range(ORDER_STREAMS))
    # 100 each are expected, with a standard deviation of 10.
    assert all(50 < streams.count(stream) < 150 for stream in range(ORDER_STREAMS))


def test_root_seed_changes_the_shuffle_of_a_stream() -> None:
    reseeded = [replace(Experiment(), root_seed=seed) for seed in range(200)]
    same_stream = [e for e in reseeded if e.order_stream == reseeded[0].order_stream]
    assert len(same_stream) > 1
    assert len({experiment.order_seed for experiment in same_stream}) == len(same_stream)


def test_hidden_layers_are_the_structure_or_three_of_the_width() -> None:
    assert Experiment(structure=(7, 3), width=16).hidden == (7, 3)
    assert Experiment(width=5).hidden == (5, 5, 5)


def test_pairs_share_their_random_numbers_and_nothing_else_does() -> None:
    one = Experiment(method="gmp", target_nnz=30, pair=True)
    pairs = [
        replace(one, method="snip", target_nnz=40, lr=0.1, epochs=3),
        replace(one, hyperparameters=(("events", 10),), schedule="step", batch_size=64),
        replace(one, method="search", target_nnz=None, structure=(7, 3, 3), masks=("10|01|11",)),
    ]
    for other in pairs:
        assert other.experiment_id != one.experiment_id
        assert other.seed("init") == one.seed("init")
        assert other.seed("pruning") == one.seed("pruning") != one.seed("init")
        assert other.order_seed == one.order_seed
    changes: list[dict[str, Any]] = [
        {"replicate": 1},
        {"root_seed": 1},
        {"width": 8},
        {"structure": (16, 16)},
        {"study": "other"},
        {"dataset": "other"},
        {"pair": False},
    ]
    seeds = {replace(one, **change).seed("init") for change in changes} | {one.seed("init")}
    assert len(seeds) == len(changes) + 1
    assert replace(one, replicate=1).order_seed != one.order_seed


def test_structure_widens_the_full_network_where_it_has_to() -> None:
    base = Experiment(width=5)
    for structure, width in (((4, 2), 5), ((3, 7, 2), 7)):
        changed = base.with_structure(Structure(structure))
        assert (changed.hidden, changed.width) == (structure, width)
