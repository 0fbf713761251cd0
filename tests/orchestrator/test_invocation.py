"""Commands that messages advise can be typed as they are printed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator.invocation import Invocation, program
from tests.orchestrator.running import INLINE, rates, sparsest, write_sweep


def invoke(monkeypatch: pytest.MonkeyPatch, program: str | Path, *words: str) -> Invocation:
    monkeypatch.setattr(sys, "argv", [str(program), *words])
    return Invocation.current()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `bin` of a virtual environment in the working directory, with the program."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "sparsest").write_text("#!/bin/sh\n")
    (folder / "sparsest").chmod(0o755)
    return folder


def test_program_outside_the_search_path_is_named_by_its_path(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    invocation = invoke(monkeypatch, ".venv/bin/sparsest", "run", "demo")
    assert invocation.to_train_all() == ".venv/bin/sparsest run demo"
    # The store records the same command wherever the program is installed.
    assert invocation.recorded == "sparsest run demo"


def test_program_on_the_search_path_is_named_without_its_folder(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(environment))
    invocation = invoke(monkeypatch, environment / "sparsest", "run", "demo")
    assert invocation.to_train_all() == "sparsest run demo"


def test_program_of_another_environment_is_named_by_its_quoted_path(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "my env"
    other.mkdir()
    (other / "sparsest").write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(environment))
    invoke(monkeypatch, "./my env/sparsest")
    assert program() == "'./my env/sparsest'"


@pytest.mark.parametrize("started", ["sparsest", __file__, "-c", "", "/no/such/sparsest"])
def test_program_started_in_another_way_is_named_sparsest(
    started: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke(monkeypatch, started)
    assert program() == "sparsest"


def test_hints_of_a_run_name_the_program_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("invocation", "commands.training", "doctor.store"):
        monkeypatch.setattr(f"orchestrator.{module}.program", lambda: ".venv/bin/sparsest")
    sweep = write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(2)}')
    store = tmp_path / "store"
    ended = sparsest("run", sweep, "--store", store, "--limit", "1", *INLINE)
    assert f"\n  .venv/bin/sparsest run {sweep} --store {store}" in ended.err
    assert ".venv/bin/sparsest query" in ended.err
    assert "sparsest run" in sparsest("status", "--store", store).out


@pytest.mark.parametrize("limit", [["--limit", "100"], ["--limit=100"]])
def test_resumed_command_has_the_rest_of_the_limit(
    limit: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("run", "my sweep.toml", *limit, "--store", "s")
    invocation = invoke(monkeypatch, "sparsest", *words)
    everything = "sparsest run 'my sweep.toml' --store s"
    assert invocation.limit == 100
    assert invocation.to_train_all() == everything
    assert invocation.to_resume(trained=40) == f"{everything} --limit 60"
    assert invocation.to_resume(trained=100) == everything
    assert " ".join(limit) in invocation.recorded


def test_resumed_command_without_a_limit_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    invocation = invoke(monkeypatch, "sparsest", "run", "phase1", "--store", "s")
    same = "sparsest run phase1 --store s"
    assert (invocation.to_train_all(), invocation.to_resume(trained=7)) == (same, same)
