from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

from storage.log.sweep_info import describe_sweep, processor_name, software_versions, source_commit


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_two_sweeps_of_one_second_have_different_ids() -> None:
    sweeps = [
        describe_sweep(command="c", studies=["s"], device="cpu", workers=1, root_seed=0)
        for _ in range(3)
    ]
    assert len({sweep.sweep_id for sweep in sweeps}) == 3
    for sweep in sweeps:
        assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", sweep.sweep_id)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sweep.started)


def test_versions_are_those_of_the_running_software() -> None:
    versions = software_versions()
    assert versions["python"] == platform.python_version()
    assert versions["pyarrow"] == sys.modules["pyarrow"].__version__
    assert processor_name()


def test_describing_a_sweep_does_not_load_torch() -> None:
    code = "import sys, storage.writing.writer, storage.reading.reader, storage.export\n"
    code += "import storage.log.sweep_info as s\n"
    code += "s.software_versions()\n"
    code += "sys.exit(bool({'torch', 'ray', 'numba'} & set(sys.modules)))"
    project = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True)


def test_commit_is_that_of_this_checkout(tmp_path: Path) -> None:
    assert source_commit(tmp_path) is None
    _git(tmp_path, "init", "--quiet")
    assert source_commit(tmp_path) is None  # nothing committed yet
    (tmp_path / "file").write_text("a")
    _git(tmp_path, "add", "file")
    _git(tmp_path, "commit", "--quiet", "-m", "first")
    commit = _git(tmp_path, "rev-parse", "HEAD")
    assert source_commit(tmp_path) == commit
    (tmp_path / "file").write_text("b")
    assert source_commit(tmp_path) == f"{commit}-dirty"
    inside = tmp_path / ".venv"
    inside.mkdir()
    assert source_commit(inside) is None
