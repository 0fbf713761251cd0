from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.experiment import SCHEDULES
from workers.step_schedule import learning_rates


def _rates_of_torch(name: str, lr: float, epochs: int) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler: torch.optim.lr_scheduler.LRScheduler
    if name == "cosine":
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    else:
        scheduler = torch.optim.lr_scheduler.MultiStepLR(
            optimiser, [int(0.3 * epochs), int(0.6 * epochs)], gamma=0.1
        )
    rates = []
    for _ in range(epochs):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("epochs", [5, 50, 70, 200])
@pytest.mark.parametrize("name", ["cosine", "step"])
def test_schedule_matches_torch(name: str, epochs: int) -> None:
    np.testing.assert_allclose(
        learning_rates(name, 0.2, epochs), _rates_of_torch(name, 0.2, epochs), rtol=1e-10
    )


def test_step_drops_at_the_papers_epochs() -> None:
    expected = [0.1] * 15 + [0.01] * 15 + [0.001] * 20
    np.testing.assert_allclose(learning_rates("step", 0.1, 50), expected, rtol=1e-12)


def test_cosine_ends_above_zero() -> None:
    rates = learning_rates("cosine", 0.05, 50)
    assert rates[0] == 0.05
    assert rates[25] == pytest.approx(0.025)
    assert rates[49] == pytest.approx(0.05 * 0.000986635785864221)


def test_constant_schedule_repeats_the_rate() -> None:
    assert learning_rates("constant", 0.1, 50).tolist() == [0.1] * 50


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 300), st.floats(1e-4, 10))
def test_rates_are_positive_and_never_rise(name: str, epochs: int, lr: float) -> None:
    rates = learning_rates(name, lr, epochs)
    assert rates.dtype == np.float64
    assert rates.shape == (epochs,)
    assert (rates > 0).all()
    assert (rates <= lr).all()
    assert (np.diff(rates) <= 0).all()


@given(st.integers(1, 1000))
def test_step_drops_at_fractions_of_the_epochs_rounded_down(epochs: int) -> None:
    rates = learning_rates("step", 1.0, epochs)
    tenths = np.round(np.log10(rates)).astype(int)
    assert (tenths == 0).sum() == int(0.3 * epochs)
    assert (tenths >= -1).sum() == int(0.6 * epochs)


def test_error_for_an_unknown_schedule_names_the_available_ones() -> None:
    with pytest.raises(ValueError, match=r"'cos'.*cosine, step, constant"):
        learning_rates("cos", 0.1, 50)
