"""Rows that were made with another arithmetic than this process has."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from search.experiment import Experiment
from search.layers import StoredInit
from storage.published.file import open_published
from workers.initial import initial_network
from workers.kernel.simd import INSTRUCTION_SET
from workers.other_arithmetic import ArithmeticUnavailable, arithmetic_of, train_as
from workers.stored_init import layers_digest

RESULTS = Path(__file__).resolve().parents[2] / "results"
COMPARED = ("backend", "status", "accuracy", "loss", "weight_nnz", "model_nnz")
OTHER = "numba-generic" if INSTRUCTION_SET != "generic" else "numba-avx2"


# Networks of the search were made with AVX-512, and one by SNIP with AVX2: whatever this processor
# is, one of them is not its own.
@pytest.mark.parametrize(
    ("study", "places"), [("phase2-95", [0, 70_001, 150_000]), ("overparam", [1660])]
)
def test_published_rows_come_out_otherwise_on_another_processor(
    study: str, places: list[int]
) -> None:
    file = open_published(RESULTS, study)
    assert file is not None
    rows = file.rows().take(places).to_pylist()
    (backend,) = {row["backend"] for row in rows}
    again = train_as(backend, [file.study[row["study_index"]] for row in rows]).to_pylist()
    for before, after in zip(rows, again, strict=True):
        assert {name: after[name] for name in COMPARED} == {name: before[name] for name in COMPARED}


def test_stored_initialisation_is_another_one_in_the_process_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a notebook that was begun in the project's folder and has left it since. A file where it
    # is now is no module.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    elsewhere = [path for path in sys.path if Path(path).resolve() != RESULTS.parent]
    monkeypatch.setattr(sys, "path", [*elsewhere, Path("added")])
    layers = initial_network(Experiment(width=16, root_seed=5))
    init = StoredInit("mine", layers_digest(layers), layers)
    # A rate at which no weight changes.
    still = Experiment(structure=(16, 16, 16), init=init.token, lr=1e-30, epochs=1)
    (row,) = train_as(OTHER, [still], {init.token: init}).to_pylist()
    assert (row["experiment_id"], row["backend"]) == (still.experiment_id, OTHER)
    weights = np.concatenate([weight.ravel() for weight, _ in layers])
    assert np.array_equal(np.array(row["weights"], np.float32), weights)


def test_experiment_that_cannot_be_trained_is_a_process_that_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match=r"initialisation 'x:1' was not given; given: none$"):
        train_as(OTHER, [Experiment(structure=(1, 1, 1), init="x:1", epochs=1)])
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ArithmeticUnavailable, match=r"ended with exit code 1$"):
        train_as(OTHER, [Experiment(structure=(1, 1), epochs=1)])


def test_backend_of_no_kernel_is_taken_for_an_arithmetic() -> None:
    assert arithmetic_of("numba-neon") == "neon"
    assert arithmetic_of("torch-cuda") is None
    assert arithmetic_of("avx2") is None
    assert arithmetic_of("numba-sve") is None
    # Such a row is trained by this process.
    (row,) = train_as("torch-cuda", [Experiment(structure=(1, 1), epochs=1)]).to_pylist()
    assert row["backend"] == f"numba-{INSTRUCTION_SET}"
