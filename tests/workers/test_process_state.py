"""Rows do not depend on settings of the process that libraries or plug-ins change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from orchestrator.doctor.software import check_process_settings
from orchestrator.plugins import all_plugins
from search import process_state
from search.experiment import Experiment
from search.process_state import all_changes, deviations, plugin_call, standard_state
from tests.installed import install
from tests.orchestrator.running import INLINE, query, sparsest
from workers.plugin_check import UnusablePlugin, check_plugin
from workers.train import train_batch

DECAYED = Experiment(structure=(3, 2, 2), weight_decay=0.9, lr=0.05, epochs=20)
"""Strong weight decay shrinks its weights to subnormal numbers."""

EXPERIMENTS = [
    DECAYED,
    *(Experiment(method=m, width=4, target_nnz=20, lr=0.1, epochs=1) for m in ("snip", "lth")),
    Experiment(method="prospr", width=4, target_nnz=20, lr=0.1, epochs=1),
]

DISTURB = """
import numpy
import torch


def disturb():
    torch.set_flush_denormal(True)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(3)
    numpy.seterr(all="raise")
"""

PLUGIN = """
import numpy
from pruning.method import TO_TARGET, Method
from pruning.protocol import Pruned, target_of

METHOD = Method("{name}", "before", TO_TARGET, "{name}", (1, 1))


def prune(experiment, layers, batches):
    {before}
    keep = {keep}
    target = target_of(experiment, sum(weight.size for weight, _ in layers))
    scores = numpy.concatenate([abs(weight).ravel() for weight, _ in layers])
    threshold = numpy.sort(scores)[-min(len(scores), int(keep * target))]
    return Pruned(
        [abs(weight) >= threshold for weight, _ in layers],
        [numpy.ones(len(bias), bool) for _, bias in layers],
    )
"""


def plugin(site: Path, *, start: str = "", before: str = "pass", keep: float = 1) -> None:
    """Install a method `rogue` that runs `start` at import and `before` in its function."""
    code = start + "\n" + PLUGIN.format(name="rogue", before=before, keep=keep)
    points = {"sparsest.methods": {"rogue": "rogue:METHOD"}}
    install(site, "rogue-pruning", "1.0", points, rogue=code, disturbing=DISTURB)


ROGUE = Experiment(method="rogue", width=4, target_nnz=20, lr=0.1, epochs=1)


def rows_of(experiments: list[Experiment]) -> list[dict[str, Any]]:
    return in_python(train_batch(experiments))


def in_python(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = batch.to_pylist()
    for row in rows:
        del row["train_ms"]
    return rows


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    return rows_of(EXPERIMENTS)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the settings of this process after a test."""
    monkeypatch.setattr(process_state, "_changes", {})
    with standard_state():
        yield


@contextmanager
def disturbed() -> Iterator[None]:
    names: dict[str, Any] = {}
    exec(DISTURB, names)
    with standard_state():
        names["disturb"]()
        yield


def test_rows_are_the_same_after_a_library_has_changed_settings(
    expected: list[dict[str, Any]],
) -> None:
    smallest = min(abs(w) for w in expected[0]["weights"] if w)
    assert smallest < np.finfo(np.float32).tiny, "no weight is subnormal: nothing is tested"
    with disturbed():
        assert torch.get_default_dtype() == torch.float64
        batch = train_batch(EXPERIMENTS)
        # The user's settings are still in force.
        assert torch.get_default_dtype() == torch.float64
        assert process_state.flushes_to_zero()
        assert len(deviations()) == 5
    assert in_python(batch) == expected


@pytest.mark.parametrize(
    ("start", "before"),
    [
        ("import disturbing\ndisturbing.disturb()", "pass"),
        ("import disturbing", "disturbing.disturb()"),
    ],
    ids=["at import", "when called"],
)
def test_rows_are_the_same_beside_a_plugin_that_changes_settings(
    site: Path, expected: list[dict[str, Any]], start: str, before: str
) -> None:
    plugin(site, start=start, before=before)
    rows = rows_of([*EXPERIMENTS, ROGUE, *EXPERIMENTS])
    assert rows[: len(expected)] == expected
    assert rows[len(expected) + 1 :] == expected
    assert deviations() == []
    changes = " ".join(all_changes()["method 'rogue'"])
    for part in ("subnormal", "dtype", "grad", "deterministic", "numpy"):
        assert part in changes
    finding = check_process_settings()
    assert finding.level == "warning"
    assert "rogue" in finding.found
    problems = [result.problem for result in check_plugin("rogue") if result.problem]
    assert any("torch.get_default_dtype() is torch.float64" in text for text in problems)


def test_doctor_reports_a_library_that_changes_settings() -> None:
    assert check_process_settings().level == "ok"
    with disturbed():
        finding = check_process_settings()
    assert finding.level == "warning"
    assert "subnormal" in finding.found


def test_training_is_refused_where_flush_to_zero_cannot_be_corrected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with disturbed(), monkeypatch.context() as patch:
        patch.setattr(process_state, "_libm", lambda: None)
        with pytest.raises(RuntimeError, match="subnormal"):
            train_batch([DECAYED])
        assert check_process_settings().level == "problem"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(0)", r"rogue.*sys\.exit\(0\)"),
        ("raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()", "rogue.*Mute"),
        ("raise type('Harsh', (BaseException,), {})('gone')", "rogue.*Harsh: gone"),
    ],
)
def test_error_names_a_plugin_that_exits_or_raises_an_unprintable_exception(
    site: Path, code: str, message: str
) -> None:
    plugin(site, before=code)
    with pytest.raises(RuntimeError, match=message):
        train_batch([ROGUE])


def test_run_records_a_plugin_that_exits_as_failed(site: Path, tmp_path: Path) -> None:
    plugin(site, before="raise SystemExit(0)")
    sweep = tmp_path / "small.toml"
    sweep.write_text(
        'name = "small"\n[base]\nepochs = 1\nlr = 0.1\n'
        '[grid]\nmethod = ["rogue", "snip"]\nwidth = [4]\ntarget_nnz = [20]\n'
    )
    assert sparsest("run", sweep, "--store", tmp_path / "store", *INLINE).code == 0
    sql = "SELECT method, status = 'failed' AS failed, reason FROM results ORDER BY method"
    of_rogue, of_snip = query(tmp_path / "store", sql).to_pylist()
    assert (of_rogue["failed"], of_snip["failed"]) == (True, False)
    assert "sys.exit(0)" in of_rogue["reason"]


def test_plugin_that_exits_at_import_is_unusable(site: Path) -> None:
    plugin(site, start="raise SystemExit(0)")
    (found,) = all_plugins()
    assert "sys.exit(0)" in found.problem
    with pytest.raises(UnusablePlugin, match=r"sys\.exit\(0\)"):
        list(check_plugin("rogue"))


@pytest.mark.parametrize(
    ("start", "before"),
    [("import os; os._exit(0)", "pass"), ("", "import os; os._exit(0)")],
    ids=["at import", "when called"],
)
def test_check_reports_a_plugin_that_ends_the_process(site: Path, start: str, before: str) -> None:
    plugin(site, start=start, before=before)
    *_, last = check_plugin("rogue")
    assert "exit code 0" in last.problem


def test_plugin_that_keeps_far_more_weights_than_its_target_fails(site: Path) -> None:
    plugin(site, keep=1.25)
    (near,) = rows_of([ROGUE])
    assert (near["status"] != "failed", len(near["weights"])) == (True, 25)
    del sys.modules["rogue"]
    plugin(site, keep=2)
    (far,) = rows_of([ROGUE])
    assert far["status"] == "failed"
    assert "40" in far["reason"]
    assert "20" in far["reason"]
    assert far["accuracy"] is None
    assert far["weights"] is None
    problems = [result.problem for result in check_plugin("rogue")]
    assert any("60 weights" in problem for problem in problems)


def test_settings_of_code_that_imports_torch_are_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    with plugin_call("code"):
        sys.modules["torch"] = torch
        torch.set_default_dtype(torch.float64)
    assert torch.get_default_dtype() == torch.float32
    assert all_changes()["code"] == ["torch.get_default_dtype() is torch.float64"]
