"""Commands that a user is to type again, as they can be typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator.called import as_called, command_line, program
from tests.orchestrator.running import HERE, rates, sparsest, write_sweep


def call(monkeypatch: pytest.MonkeyPatch, program: str | Path, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", [str(program), *words])


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an environment with the program in it; it is the working folder's."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "sparsest").write_text("#!/bin/sh\n")
    (folder / "sparsest").chmod(0o755)
    return folder


def test_repeated_command_is_not_found_by_the_shell(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    call(monkeypatch, ".venv/bin/sparsest", "run", "demo")
    assert as_called(command_line()) == ".venv/bin/sparsest run demo"
    # What the store keeps is the same wherever the program lies.
    assert command_line() == "sparsest run demo"


def test_program_that_the_shell_finds_is_told_with_its_folder(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(installed))
    call(monkeypatch, installed / "sparsest", "run", "demo")
    assert as_called(command_line()) == "sparsest run demo"


def test_another_environment_s_program_is_told_instead(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "my env"
    other.mkdir()
    (other / "sparsest").write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(installed))
    call(monkeypatch, "./my env/sparsest")
    assert program() == "'./my env/sparsest'"


def test_file_that_python_was_given_is_called_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for started in ("sparsest", __file__, "-c", "", "/no/such/sparsest"):
        call(monkeypatch, started)
        assert program() == "sparsest"


def test_hints_name_a_program_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("commands.run_result", "doctor.store"):
        monkeypatch.setattr(f"orchestrator.{module}.program", lambda: ".venv/bin/sparsest")
    monkeypatch.setattr("orchestrator.called.program", lambda: ".venv/bin/sparsest")
    sweep = write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(2)}')
    store = tmp_path / "store"
    ended = sparsest("run", sweep, "--store", store, "--limit", "1", *HERE)
    assert f"go on with:\n  .venv/bin/sparsest run {sweep} --store {store}" in ended.err
    assert 'ask the store: .venv/bin/sparsest query "SELECT' in ended.err
    assert "last run, finished: sparsest run" in sparsest("status", "--store", store).out
