"""Training with an arithmetic other than that of this process."""

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


# The networks of the search were trained with AVX-512 and the one by SNIP with AVX2, so at least
# one differs from this processor's arithmetic.
@pytest.mark.parametrize(
    ("study", "indices"), [("phase2-95", [0, 70_001, 150_000]), ("overparam", [1660])]
)
def test_published_rows_are_reproduced_on_any_processor(study: str, indices: list[int]) -> None:
    file = open_published(RESULTS, study)
    assert file is not None
    rows = file.rows().take(indices).to_pylist()
    (backend,) = {row["backend"] for row in rows}
    reproduced = train_as(backend, [file.study[row["study_index"]] for row in rows]).to_pylist()
    for before, after in zip(rows, reproduced, strict=True):
        assert {name: after[name] for name in COMPARED} == {name: before[name] for name in COMPARED}


def test_child_process_uses_the_stored_initialisation_and_the_search_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a notebook that was started in the project's folder and has left it since. A file in its
    # present folder must not be imported.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    other_paths = [path for path in sys.path if Path(path).resolve() != RESULTS.parent]
    monkeypatch.setattr(sys, "path", [*other_paths, Path("added")])
    layers = initial_network(Experiment(width=16, root_seed=5))
    init = StoredInit("mine", layers_digest(layers), layers)
    # At this learning rate no weight changes.
    unchanged = Experiment(structure=(16, 16, 16), init=init.token, lr=1e-30, epochs=1)
    (row,) = train_as(OTHER, [unchanged], {init.token: init}).to_pylist()
    assert (row["experiment_id"], row["backend"]) == (unchanged.experiment_id, OTHER)
    weights = np.concatenate([weight.ravel() for weight, _ in layers])
    assert np.array_equal(np.array(row["weights"], np.float32), weights)


def test_refused_experiment_and_lost_process_are_different_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match="x:1"):
        train_as(OTHER, [Experiment(structure=(1, 1, 1), init="x:1", epochs=1)])
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ArithmeticUnavailable, match=r"exit code 1$"):
        train_as(OTHER, [Experiment(structure=(1, 1), epochs=1)])


def test_backend_without_an_arithmetic_is_trained_in_this_process() -> None:
    assert arithmetic_of("numba-neon") == "neon"
    assert arithmetic_of("torch-cuda") is None
    assert arithmetic_of("avx2") is None
    assert arithmetic_of("numba-sve") is None
    (row,) = train_as("torch-cuda", [Experiment(structure=(1, 1), epochs=1)]).to_pylist()
    assert row["backend"] == f"numba-{INSTRUCTION_SET}"
