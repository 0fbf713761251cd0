from __future__ import annotations

import hashlib
import itertools
import math
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.experiment import Experiment
from search.layers import StoredInit
from workers.initial import initial_network, starting_network, sub_network
from workers.stored_init import STORED_SHAPES, load_stored_init

_GAMMA = 0x9E3779B97F4A7C15
_ALL = (1 << 64) - 1


def _draws(seed: int, fan_ins: list[int]) -> list[float]:
    """Return the numbers that the docstring of `initial_network` defines, one at a time."""
    values = []
    for k, fan_in in enumerate(fan_ins):
        z = (seed + (k + 1) * _GAMMA) & _ALL
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
        u = ((z ^ (z >> 31)) >> 40) / 2**24
        value = 1 / math.sqrt(fan_in) * (2 * u - 1)
        values.append(struct.unpack("f", struct.pack("f", value))[0])
    return values


def _state(**changes: object) -> dict[str, object]:
    generator = torch.Generator().manual_seed(1)
    state: dict[str, object] = {}
    for layer, (n_out, n_in) in STORED_SHAPES.items():
        state[f"{layer}.weight"] = torch.rand(n_out, n_in, generator=generator)
        state[f"{layer}.bias"] = torch.rand(n_out, generator=generator)
    return state | {key.replace("__", "."): value for key, value in changes.items()}


def _saved(path: Path, state: object) -> Path:
    torch.save(state, path)
    return path


@given(
    st.integers(0, 1000),
    st.integers(1, 9),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.integers(1, 3),
)
def test_weights_follow_from_the_seed_by_the_documented_formula(
    replicate: int, width: int, hidden: list[int], inputs: int
) -> None:
    experiment = Experiment(width=width, structure=tuple(hidden), replicate=replicate)
    widths = [inputs, *[width] * len(hidden), 1]
    expected = _draws(
        experiment.seed("init"),
        [n_in for n_in, n_out in itertools.pairwise(widths) for _ in range(n_out * (n_in + 1))],
    )
    layers = initial_network(experiment, inputs)
    assert [bias.shape[0] for _, bias in layers] == widths[1:]
    drawn = [number for layer in layers for array in layer for number in array.ravel().tolist()]
    assert drawn == expected
    assert all(array.dtype == np.float32 for layer in layers for array in layer)


def test_bound_of_a_sub_network_is_that_of_the_full_width() -> None:
    drawn = []
    for replicate in range(200):
        experiment = Experiment(structure=(3, 3, 3), replicate=replicate)
        drawn.append(np.abs(starting_network(experiment, {})[2][0]).max())
    assert 0.24 < max(drawn) <= 0.25


def test_initial_weights_are_uniform() -> None:
    experiments = [Experiment(structure=(16, 16, 16), replicate=r) for r in range(100)]
    weights = np.concatenate([initial_network(e)[1][0].ravel() for e in experiments])
    counts = np.histogram(weights, bins=50, range=(-0.25, 0.25))[0]
    assert counts.sum() == weights.size
    expected = weights.size / 50
    # 49 degrees of freedom: exceeded with probability 0.001.
    assert ((counts - expected) ** 2 / expected).sum() < 85.4


def test_replicates_have_different_initial_networks() -> None:
    first, second = (initial_network(Experiment(replicate=r)) for r in (0, 1))
    assert not np.array_equal(first[0][0], second[0][0])


def test_experiment_without_structure_starts_from_the_whole_network() -> None:
    experiment = Experiment(width=5)
    layers = starting_network(experiment, {})
    assert [weight.shape for weight, _ in layers] == [(5, 2), (5, 5), (5, 5), (1, 5)]
    for (weight, bias), (full_weight, full_bias) in zip(
        layers, initial_network(experiment), strict=True
    ):
        assert np.array_equal(weight, full_weight)
        assert np.array_equal(bias, full_bias)


def test_sub_network_is_the_first_neurons_of_each_layer() -> None:
    full = initial_network(Experiment(width=6))
    part = sub_network(full, (4, 2, 3))
    kept = [2, 4, 2, 3, 1]
    for (weight, bias), (full_weight, full_bias), n_in, n_out in zip(
        part, full, kept[:-1], kept[1:], strict=True
    ):
        assert np.array_equal(weight, full_weight[:n_out, :n_in])
        assert np.array_equal(bias, full_bias[:n_out])


def test_sub_network_is_a_copy() -> None:
    full = initial_network(Experiment())
    before = full[0][0].copy()
    sub_network(full, (16, 16, 16))[0][0][:] = 0
    assert np.array_equal(full[0][0], before)


@pytest.mark.parametrize("hidden", [(17, 3, 3), (3, 3, 0), (3, 3), (3, 3, 3, 3)])
def test_structure_larger_than_the_network_is_refused(hidden: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"16x16x16"):
        sub_network(initial_network(Experiment()), hidden)


def test_stored_initialisation_is_read_exactly(tmp_path: Path) -> None:
    state = _state()
    stored = load_stored_init(_saved(tmp_path / "init.pt", state), "mine")
    digest = hashlib.sha256()
    for layer, (weight, bias) in zip(STORED_SHAPES, stored.layers, strict=True):
        for part, array in (("weight", weight), ("bias", bias)):
            tensor = state[f"{layer}.{part}"]
            assert isinstance(tensor, torch.Tensor)
            assert np.array_equal(array, tensor.numpy())
            digest.update(struct.pack(f"<{array.size}f", *array.ravel().tolist()))
    assert stored.token == f"mine:{digest.hexdigest()[:16]}"
    wrapped = load_stored_init(_saved(tmp_path / "wrapped.pt", {"model": state}), "mine")
    assert wrapped.token == stored.token


def test_digest_depends_on_every_number(tmp_path: Path) -> None:
    state = _state()
    before = load_stored_init(_saved(tmp_path / "a.pt", state), "x").digest
    bias = state["clf.bias"]
    assert isinstance(bias, torch.Tensor)
    bias += 1e-6
    assert load_stored_init(_saved(tmp_path / "b.pt", state), "x").digest != before


@pytest.mark.parametrize(
    ("folder", "name", "token"),
    [
        ("BENCH-95", "bench-95", "bench-95:d23befae9445e4ea"),
        ("BENCH-995", "bench-995", "bench-995:f771d1d5c51aa512"),
    ],
)
def test_files_of_the_authors_are_read(shared: Path, folder: str, name: str, token: str) -> None:
    path = shared / "bench" / folder / "initialization_checkpoint.pt"
    stored = load_stored_init(path, name)
    assert stored.token == token
    for weight, bias in stored.layers:
        bound = 1 / math.sqrt(weight.shape[1])
        assert max(np.abs(weight).max(), np.abs(bias).max()) <= bound


def test_sub_network_of_a_stored_initialisation_is_its_first_neurons(tmp_path: Path) -> None:
    stored = load_stored_init(_saved(tmp_path / "init.pt", _state()), "mine")
    inits = {stored.token: stored}
    experiment = Experiment(structure=(3, 2, 2), init=stored.token)
    layers = starting_network(experiment, inits)
    assert np.array_equal(layers[1][0], stored.layers[1][0][:2, :3])
    narrow = starting_network(Experiment(width=3, init=stored.token), inits)
    assert [weight.shape for weight, _ in narrow] == [(3, 2), (3, 3), (3, 3), (1, 3)]
    narrow[0][0][:] = 0
    assert stored.layers[0][0].all()


def test_error_for_a_missing_initialisation_names_it_and_the_available_ones(tmp_path: Path) -> None:
    stored = load_stored_init(_saved(tmp_path / "init.pt", _state()), "bench-95")
    experiment = Experiment(init="bench-995:0123456789abcdef")
    with pytest.raises(ValueError, match=f"bench-995:0123456789abcdef.*{stored.token}"):
        starting_network(experiment, {stored.token: stored})
    with pytest.raises(ValueError, match="none"):
        starting_network(experiment, {})


def test_initialisation_with_another_number_of_inputs_is_refused() -> None:
    stored = StoredInit("mine", "0" * 16, initial_network(Experiment(), inputs=3))
    experiment = Experiment(init=stored.token)
    with pytest.raises(ValueError, match="3 inputs"):
        starting_network(experiment, {stored.token: stored}, inputs=2)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({k: v for k, v in _state().items() if k != "clf.bias"}, "clf.bias"),
        (_state(extra__weight=torch.zeros(1)), "extra.weight"),
        (_state(clf__weight=torch.zeros(1, 8)), r"clf.weight.*\[1, 8\]"),
        (_state(clf__bias=torch.zeros(1, dtype=torch.float64)), "clf.bias.*float64"),
        (_state(clf__bias=torch.tensor([math.nan])), "clf.bias.*not finite"),
        (_state(first_layer__bias=1.0), "first_layer.bias.*float"),
        ([1, 2], "list"),
    ],
)
def test_file_of_another_network_is_refused(tmp_path: Path, state: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_stored_init(_saved(tmp_path / "init.pt", state), "mine")


class _Trap:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.path,))


def test_code_in_a_file_is_not_executed(tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    pickle.loads(pickle.dumps(_Trap(trap)))
    assert trap.exists()
    trap.unlink()
    path = _saved(tmp_path / "init.pt", _state(clf__bias=_Trap(trap)))
    with pytest.raises(ValueError, match=r"init\.pt"):
        load_stored_init(path, "mine")
    assert not trap.exists()


def test_file_that_torch_cannot_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "init.pt"
    path.write_bytes(b"no tensors here")
    with pytest.raises(ValueError, match=r"init\.pt"):
        load_stored_init(path, "mine")
    with pytest.raises(FileNotFoundError):
        load_stored_init(tmp_path / "missing.pt", "mine")


def test_drawing_an_initial_network_does_not_import_torch() -> None:
    code = "import sys, workers.initial; sys.exit('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
