"""What a user meets first: --help, --version, and mistakes in the command itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from storage.log.sweep_info import software_versions
from tests.orchestrator.running import ROOT, sparsest
from workers.kernel.instruction_set import ARITHMETIC

OPTIONS = {
    "studies": ["--json"],
    "list": ["STUDY|FILE.toml", "--tsv", "--json"],
    "space": ["STRUCTURE", "--inputs", "--calibrate", "--json"],
    "plan": ["STUDY|FILE.toml", "--store", "--shard", "--root-seed", "--calibrate", "--json"],
    "run": [
        "STUDY|FILE.toml",
        "--store",
        "--shard",
        "--limit",
        "--workers",
        "--executor",
        "--address",
        "--device",
        "--root-seed",
        "--retry",
        "--from-published",
        "--bench-95",
        "--bench-995",
        "--json",
    ],
    "search": [
        "--store",
        "--target",
        "--max-width",
        "--structures",
        "--masks",
        "--lr",
        "--schedule",
        "--again",
        "--max-core-hours",
        "--limit",
        "--workers",
        "--json",
    ],
    "show": [
        "EXPERIMENT",
        "--store",
        "--published",
        "--best",
        "--target",
        "--width",
        "--study",
        "--init",
        "--output",
        "--overwrite",
        "--dark",
    ],
    "replay": ["EXPERIMENT", "--store", "--published", "--init", "--json"],
    "status": ["--store", "--json", "--watch", "--interval"],
    "query": ["SQL", "--store", "--published", "--format", "--output", "--overwrite"],
    "sql": ["--store", "--published"],
    "export": ["--store", "--format", "--output", "--overwrite"],
    "merge": ["STORE", "--into", "--take-first", "--json"],
    "diff": ["A", "B", "--published", "--study", "--json"],
    "forget": ["STUDY", "--store", "--sweep", "--where", "--yes"],
    "doctor": ["--store", "--ray", "--address", "--json"],
    "plugins": ["--check", "--json"],
    "publish": ["STUDY", "--store", "--output", "--root-seed", "--overwrite"],
}


def test_command_is_missing_from_the_overview() -> None:
    ended = sparsest("--help")
    assert ended.code == 0
    for command in OPTIONS:
        (line,) = [line for line in ended.out.splitlines() if line.startswith(f"  {command} ")]
        assert not line.endswith("...")


def test_defaults_in_brackets_are_taken_for_markup() -> None:
    words = " ".join(sparsest("run", "--help").out.split())
    assert "Training processes at most [default: one a CPU or GPU]" in words
    assert "A Ray cluster to join [default: Ray on this machine]" in words


@pytest.mark.parametrize("command", OPTIONS)
def test_option_is_missing_from_the_help(command: str) -> None:
    ended = sparsest(command, "--help")
    assert ended.code == 0
    for name in OPTIONS[command]:
        assert name in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_version_is_a_traceback_where_nothing_is_installed() -> None:
    ended = sparsest("--version")
    assert ended.code == 0
    version = software_versions().get("sparsest", "(a checkout that is not installed)")
    assert ended.out == f"sparsest {version}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plam", "phase1"], "Did you mean 'plan'"),
        (["run", "phase1"], "Missing option '--store'"),
        (["run", "--store", "x"], "Missing argument 'STUDY|FILE.toml'"),
        (["run", "phase1", "--store", "x", "--limit", "0"], "should be greater than or equal to 1"),
        (["run", "phase1", "--store", "x", "--device", "tpu"], "is not one of 'auto', 'cpu'"),
        (["run", "phase1", "--store", "x", "--worker", "2"], "No such option: --worker"),
        (["query", "SELECT 1", "--store", "x", "--format", "xml"], "is not one of 'table'"),
        (["export", "--store", "x"], "Missing option '--format'"),
    ],
)
def test_wrong_usage_is_not_code_2(words: list[str], said: str) -> None:
    ended = sparsest(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert said in " ".join(ended.err.split())


def test_impossible_environment_ends_in_a_traceback() -> None:
    environment = os.environ | {ARITHMETIC: "abacus", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "sparsest", "studies"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"{ARITHMETIC}=abacus" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
