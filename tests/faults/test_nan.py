"""NaN at any step of a training: its row is `diverged`, and all other rows are unchanged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from search.columns import names_of
from search.experiment import Experiment
from workers import fast, initial, mask_schedule, start, torch_batch, train
from workers.datasets import load_dataset
from workers.kernel import sgd as kernel
from workers.step_schedule import StepSchedule
from workers.train import OUTCOME_SCHEMA, train_batch

DIVERGING_LR = 0.0625
"""Learning rate of the training that diverges, and of no other."""


def group(method: str = "search", **more: Any) -> list[Experiment]:
    """Return three trainings, the second of which is made to diverge."""
    fields: dict[str, Any] = {"epochs": 2, "width": 3, "batch_size": 8192} | more
    if method == "search":
        fields["structure"] = (2, 2, 2)
    else:
        fields |= {"method": method, "target_nnz": 15}
    return [Experiment(lr=lr, **fields) for lr in (0.01, DIVERGING_LR, 0.02)]


def check(rows: pa.RecordBatch, expected: pa.RecordBatch) -> None:
    """Check that the second row has diverged without NaN, and that the others are as expected."""
    assert rows.column("status").to_pylist()[1] == "diverged"
    diverged = rows.slice(1, 1).to_pylist()[0]
    assert "NaN" in diverged["reason"]
    metrics = names_of("metric", "optional")
    assert [name for name in metrics if diverged[name] is not None] == []
    assert [diverged[name] for name in ("weights", "biases", "weight_index")] == [None] * 3
    for field in OUTCOME_SCHEMA:
        column = rows.column(field.name)
        values = column.flatten() if pa.types.is_list(field.type) else column
        if pa.types.is_floating(values.type):
            assert pc.all(pc.is_finite(values), min_count=0).as_py() in (True, None)
    for i in (0, 2):
        ours, theirs = (batch.drop_columns(["train_ms"]).slice(i, 1) for batch in (rows, expected))
        assert ours.equals(theirs)


@pytest.mark.parametrize("epoch", [0, 1])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_in_the_kernel_stays_in_its_network(
    epoch: int, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiments = group()
    expected = train_batch(experiments)
    steps, calls = kernel.train_steps, iter(range(10**9))

    def poisoned(networks: Any, *arguments: Any) -> None:
        if next(calls) == epoch:
            number = [e.lr for e in batch_of[id(networks)]].index(DIVERGING_LR) if batch_of else 1
            networks.parameters[networks.parameter_start[number]] = value
        steps(networks, *arguments)

    batch_of: dict[int, Sequence[Experiment]] = {}
    train_networks = fast.train_networks

    def remembering(networks: Any, members: Sequence[Experiment], *more: Any, **kw: Any) -> None:
        batch_of[id(networks)] = members
        if any(e.lr == DIVERGING_LR for e in members):
            train_networks(networks, members, *more, **kw)
        else:
            with monkeypatch.context() as patch:
                patch.setattr(fast, "train_steps", steps)
                train_networks(networks, members, *more, **kw)

    monkeypatch.setattr(fast, "train_steps", poisoned)
    monkeypatch.setattr(fast, "train_networks", remembering)
    check(train_batch(experiments), expected)


@pytest.mark.parametrize("method", ["gmp", "lth", "rigl"])
def test_nan_between_mask_changes_stays_in_its_network(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = 40 if method == "gmp" else 35
    experiments = group(method, epochs=epochs)
    expected = train_batch(experiments)
    advance, segments = mask_schedule.advance, iter(range(10**9))

    def poisoned(network: Any, schedule: StepSchedule, *more: Any) -> Any:
        if schedule.experiment.lr == DIVERGING_LR and next(segments) == 1:
            weight = network.layers[0][0]
            weight[tuple(np.argwhere(network.weight_masks[0])[0])] = math.nan
        return advance(network, schedule, *more)

    monkeypatch.setattr(mask_schedule, "advance", poisoned)
    check(train_batch(experiments), expected)


@pytest.mark.parametrize(
    "method", ["snip", "grasp", "iter-snip", "force", "synflow", "prospr", "search"]
)
def test_nan_before_training_stays_in_its_network(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiments = group(method)
    expected = train_batch(experiments)
    usual = initial.starting_network

    def poisoned(experiment: Experiment, *more: Any) -> Any:
        layers = usual(experiment, *more)
        if experiment.lr == DIVERGING_LR:
            layers[-1][1][0] = math.nan  # the output bias, which every method keeps
        return layers

    monkeypatch.setattr(start, "starting_network", poisoned)
    check(train_batch(experiments), expected)


def test_nan_in_torch_stays_in_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    experiments = group()
    dataset = load_dataset("cubist-spiral")

    def by_torch(
        members: Sequence[Experiment], dataset: Any, inits: Any, curves: bool
    ) -> list[Any]:
        return torch_batch.train_torch(members, dataset, "cpu", inits)

    monkeypatch.setattr(train, "backend_for", lambda device: train.Backend("torch", by_torch))
    expected = train_batch(experiments)
    usual = start.start_of

    def poisoned(experiment: Experiment, *more: Any) -> Any:
        initial_state = usual(experiment, *more)
        if experiment.lr == DIVERGING_LR:
            initial_state.layers[-1][1][0] = math.nan
        return initial_state

    monkeypatch.setattr(torch_batch, "start_of", poisoned)
    check(train_batch(experiments), expected)
    assert len(dataset) > 0
