"""The command line as a process: its imports, its standard streams and signals during start-up."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.cli import SECTIONS
from tests.orchestrator.running import environment, python, refused, write_sweep

HEAVY = {
    "boto3",
    "duckdb",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "plotly",
    "psutil",
    "pyarrow",
    "pyarrow.compute",
    "pyarrow.parquet",
    "pydantic",
    "ray",
    "readline",  # some builds of Python lack it
    "rich.console",
    "rich.live",
    "scipy",
    "search.paper",
    "torch",
}
"""Modules that take long to import."""

REPORT_IMPORTS = """
import gc, sys, sparsest
try:
    sparsest.main()
except SystemExit as end:
    assert end.code in (0, None), end.code
print(*sys.modules, f"gc={gc.isenabled()}", file=sys.stderr)
"""

BLOCK_IMPORT = """
import sys, time
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "orchestrator.commands.studies":
            print("importing", flush=True)
            time.sleep(600)
sys.meta_path.insert(0, Blocker())
import sparsest
sparsest.main()
"""


def run(
    *words: str | Path, code: str = "import sparsest; sparsest.main()"
) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )


def shell(command: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of bash in which `"$@"` is sparsest with some words."""
    start = [sys.executable, "-c", "import sparsest; sparsest.main()", *map(str, words)]
    return subprocess.run(
        ["bash", "-c", command, "bash", *start],
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )


READER = {"numpy", "pyarrow", "pydantic"}
QUERIES = READER | {"duckdb", "psutil", "pyarrow.parquet", "rich.console", "search.paper"}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["--version"], set()),
        (["--help"], set()),
        (["doctor", "--help"], set()),
        (["plugins"], {"numpy", "pydantic"}),
        (["studies"], {"search.paper"}),
        (["studies", "--json"], {"search.paper"}),
        (["list", "phase1"], {"pydantic", "search.paper"}),
        (["status", "--store", "STORE"], READER | {"pyarrow.parquet"}),
        (["query", "SELECT 1", "--store", "STORE"], QUERIES),
        (["compact", "--store", "STORE"], READER | {"pyarrow.compute"}),
        (["show", "--help"], QUERIES),
        (["report", "--help"], QUERIES),
        (["run", "--help"], QUERIES | {"pyarrow.compute"}),
        (["search", "--help"], READER | {"pyarrow.compute", "rich.console", "search.paper"}),
        (["try", "--help"], {"numpy", "pydantic"}),
        (["plan", "phase1"], READER | {"psutil", "search.paper"}),
    ],
)
def test_command_imports_only_what_it_needs(
    words: Sequence[str], needed: set[str], trained: Path
) -> None:
    ended = run(*(str(trained) if word == "STORE" else word for word in words), code=REPORT_IMPORTS)
    assert ended.returncode == 0, ended.stderr
    assert HEAVY & set(ended.stderr.split()) <= needed
    # Garbage is not collected during the imports, but has to be once a command runs.
    assert words[-1].startswith("--") or "gc=True" in ended.stderr.split()


def test_ctrl_c_during_imports_exits_silently_with_130() -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with subprocess.Popen(
            [*python(), "-c", BLOCK_IMPORT, "studies"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "importing\n"
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (code, "")


@pytest.mark.parametrize("words", [["--version"], ["run", "--help"], ["studies"]])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_one_line(words: list[str], redirection: str) -> None:
    ended = shell(f'"$@" {redirection}', *words)
    assert ended.returncode == 1
    assert re.fullmatch("error: standard output: .*\n", ended.stderr)


def test_closed_pipe_ends_a_command_silently() -> None:
    for command in ('set -o pipefail; "$@" | head -n1', 'set -o pipefail; "$@" | true'):
        ended = shell(command, "list", "phase1")
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "<&- 2>&-", "2>&1 >&- | true"])
def test_sweep_survives_the_loss_of_standard_error(tmp_path: Path, redirection: str) -> None:
    sweep = write_sweep(tmp_path / "two.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2]')
    store = tmp_path / "store"
    words = ("run", sweep, "--store", store, "--executor", "inline", "--device", "cpu")
    ended = shell(f'set -o pipefail; "$@" {redirection}', *words)
    assert ended.returncode == 0
    log = (tmp_path / "store.log").read_text()
    assert ": finished, 2 stored" in log
    # The log did not get the closed descriptor, so it has nothing that was printed.
    assert "trained 2 of 2" not in log
    assert run("verify", "--store", store).returncode == 0


def test_full_disk_under_standard_error_is_noted_once(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "one.toml", 'structure = ["1x1x1"]')
    words = ("run", sweep, "--store", tmp_path / "store", "--executor=inline", "--device=cpu")
    # The last lines reach the log: the first failure has to come after it is open.
    code = """
import os, sparsest
from orchestrator import sweep as sweeps
drive = sweeps.drive
def fill_disk(*arguments):
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
    return drive(*arguments)
sweeps.drive = fill_disk
sparsest.main()
"""
    assert run(*words, code=code).returncode == 0
    log = (tmp_path / "store.log").read_text()
    assert log.count("No space left on device") == 1


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, b"caf\xe9"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "café".encode()),
    ],
)
@pytest.mark.parametrize(
    "words",
    [[b"status", b"--store", b"%s"], [b"query", b"SELECT '%s'", b"--store", b"store"]],
    ids=["store", "query"],
)
def test_argument_that_is_not_utf_8_is_refused(
    variables: dict[str, str], name: bytes, words: list[bytes], tmp_path: Path
) -> None:
    start = [sys.executable, "-c", "import sparsest; sparsest.main()"]
    ended = subprocess.run(
        [*start, *(word.replace(b"%s", name) for word in words)],
        env=environment() | variables,
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert re.fullmatch("error: .*UTF-8.*\n", ended.stderr)


def test_folder_that_is_not_utf_8_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert "UTF-8" in refused("status", "--store", "store")


def test_summary_of_each_command_fits_a_line() -> None:
    for section in SECTIONS.values():
        for name, (_, summary) in section.items():
            assert len(f"  {name:<10}{summary}") <= 80
