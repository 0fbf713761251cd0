"""--help, --version and wrong usage of every command."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from orchestrator.cli import SECTIONS
from storage.log.sweep_info import software_versions
from tests.orchestrator.running import environment, sparsest
from workers.kernel.instruction_set import ARITHMETIC

TRAINING = "--limit --workers --executor --address --device --root-seed"
RESULTS = "--store --published"

PARAMETERS = {
    "studies": "--json",
    "datasets": "--show --output --overwrite --dark --json",
    "list": "STUDY|FILE.toml --tsv --json",
    "space": "STRUCTURE --inputs --calibrate --json",
    "plan": "STUDY|FILE.toml --store --shard --root-seed --calibrate --json",
    "run": "STUDY|FILE.toml --store --shard --run-id --retry --from-published --curves --bench-95 "
    f"--bench-995 --json {TRAINING}",
    "search": "--store --target --max-width --structures --masks --lr --schedule --again "
    f"--max-core-hours --json {TRAINING}",
    "status": "--store --json --watch --interval",
    "query": f"SQL --format --output --overwrite {RESULTS}",
    "sql": RESULTS,
    "show": "EXPERIMENT --best --target --width --study --init --output --overwrite --dark "
    f"{RESULTS}",
    "report": "--output --overwrite --dataset --draw --draw-all --workers --live --interval "
    f"{RESULTS}",
    "replay": f"EXPERIMENT --init --json {RESULTS}",
    "records": (
        "--dataset --verify --submit --from --published --polish --output --draw --overwrite --json"
    ),
    "bound": "--dataset --target --output --overwrite --verify --json",
    "export": f"--format --output --overwrite {RESULTS}",
    "verify": "FILE.toml --store --rebuild --json",
    "diff": "A B --published --study --json",
    "merge": "STORE --into --take-first --json",
    "forget": "STUDY --store --sweep --where --yes",
    "compact": "--store",
    "publish": "STUDY --store --output --root-seed --overwrite",
    "doctor": "--store --ray --address --json",
    "new": "KIND NAME --prunes",
    "try": "NAME --width --target --dataset --epochs --lr --seed",
    "plugins": "--check --fast --json",
}
"""Arguments and options of every command: scripts rely on their names."""


def test_overview_lists_every_command_with_its_summary() -> None:
    ended = sparsest("--help")
    assert ended.code == 0
    commands = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
    assert commands.keys() == PARAMETERS.keys()
    for name, (_, summary) in commands.items():
        assert f"  {name.ljust(8)}  {summary}\n" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_defaults_in_brackets_are_shown() -> None:
    words = " ".join(sparsest("run", "--help").out.split())
    assert "[default: start Ray on this machine]" in words


@pytest.mark.parametrize("command", PARAMETERS)
def test_help_describes_every_parameter(command: str) -> None:
    ended = sparsest(command, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    # Each parameter starts a line, followed by its description.
    lines = [line.split() for line in ended.out.splitlines() if re.match("  [^ ]", line)]
    names = {name.strip("[],").removesuffix("...") for words in lines for name in words[:2]}
    assert set(PARAMETERS[command].split()) <= names


def test_version_is_that_of_the_package() -> None:
    ended = sparsest("--version")
    assert ended.code == 0
    version = software_versions().get("sparsest", "(a checkout that is not installed)")
    assert ended.out == f"sparsest {version}\n"


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["plam", "phase1"], "'plan'"),
        (["magic"], "--help"),
        (["run", "phase1"], "'--store'"),
        (["run", "--store", "x"], "'STUDY|FILE.toml'"),
        (["run", "phase1", "--store", "x", "--limit", "0"], "--limit"),
        (["run", "phase1", "--store", "x", "--device", "tpu"], "'cpu'"),
        (["run", "phase1", "--store", "x", "--worker", "2"], "--worker"),
        (["query", "SELECT 1", "--store", "x", "--format", "xml"], "'table'"),
        (["export", "--store", "x"], "'--format'"),
    ],
)
def test_wrong_usage_exits_with_2(words: list[str], word: str) -> None:
    ended = sparsest(*words)
    assert (ended.code, ended.out) == (2, "")
    assert word in ended.err


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("plan", "--sample"),
        ("plan", "--root-seed"),
        ("run", "--limit"),
        ("run", "--run-id"),
        ("status", "--interval"),
        ("show", "--target"),
        ("run", "--workers"),
        ("show", "--width"),
        ("report", "--workers"),
        ("report", "--interval"),
        ("try", "--lr"),
        ("try", "--epochs"),
        ("try", "--seed"),
        ("try", "--target"),
        ("try", "--width"),
    ],
)
def test_number_out_of_range_is_refused_with_what_is_allowed(command: str, option: str) -> None:
    may_be_great = option in ("--interval", "--lr")
    for value in ("-5", "nan") if may_be_great else ("-5", "nan", "9" * 40):
        ended = sparsest(command, option, value)
        assert (ended.code, ended.out) == (2, "")
        assert re.search(rf"'{option}': {value} .* number\b", ended.err)


def test_unknown_arithmetic_in_the_environment_is_refused() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sparsest", "studies"],
        env=environment() | {ARITHMETIC: "abacus"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert f"{ARITHMETIC}=abacus" in line
