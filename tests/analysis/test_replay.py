from __future__ import annotations

import numpy as np
import pytest

from analysis.retrain import Difference, replay
from search.datasets import CUBIST_SPIRAL
from search.experiment import Experiment
from search.specification import experiment_of
from workers.train import train_batch


def test_every_difference_counts() -> None:
    indices, values = [1, 4, 6], [0.5, 0.0, -1.0]
    assert Difference.between((indices, values), (indices, values)) == Difference(3, 0, 0.0)
    assert Difference.between((indices, values), (indices, [0.5, -0.0, -1.0])).differing == 1
    next_one = float(np.nextafter(np.float32(0.5), np.float32(1)))
    found = Difference.between((indices, values), (indices, [next_one, 0.0, -1.0]))
    assert found == Difference(3, 1, 2.0**-24)
    # One index is missing and one is new.
    assert Difference.between((indices, values), ([1, 4, 7], values)) == Difference(4, 2, 1.0)
    assert Difference.between(([], []), ([], [])) == Difference(0, 0, 0.0)


def test_replay_of_an_unchanged_row_is_the_same() -> None:
    experiment = Experiment(study="mine", structure=(2, 1), masks=("10|01",), epochs=1)
    (row,) = train_batch([experiment]).to_pylist()
    assert experiment_of(row) == experiment
    done = replay(row, _no_init)
    assert done.same
    assert done.weights == Difference(5, 0, 0.0)
    other = {**row, "lr": 0.06}
    with pytest.raises(ValueError, match="version"):
        replay(other, _no_init)


def test_replay_reports_what_differs() -> None:
    (row,) = train_batch([Experiment(structure=(1, 1), epochs=1)]).to_pylist()
    row |= {"loss": row["loss"] + 1e-9}
    row["weights"] = [row["weights"][0] + 1, *row["weights"][1:]]
    done = replay(row, _no_init)
    assert not done.same
    assert list(done.other_columns) == ["loss"]
    assert done.weights is not None
    assert done.weights.differing == 1
    assert done.weights.largest == pytest.approx(1.0, abs=1e-5)


def test_row_of_a_data_set_that_has_changed_is_refused() -> None:
    (row,) = train_batch([Experiment(structure=(1, 1), epochs=1)]).to_pylist()
    assert row["dataset_digest"] == CUBIST_SPIRAL.digest
    with pytest.raises(ValueError, match=f"cubist-spiral.*{CUBIST_SPIRAL.digest}.*0123"):
        replay(row | {"dataset_digest": "0123"}, _no_init)


def test_row_that_was_never_trained_is_refused() -> None:
    row = {"experiment_id": "ab", "status": "failed", "reason": "no memory"}
    with pytest.raises(ValueError, match="no memory"):
        replay(row, _no_init)


def _no_init(token: str) -> None:
    """Fail when called: rows from fresh initialisations need no stored one."""
    raise AssertionError(token)
