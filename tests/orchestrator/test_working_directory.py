"""Files in the user's working directory are not imported in place of the project's packages."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from orchestrator.cluster.private_folders import empty_working_directory
from sparsest import PACKAGES, require_packages
from tests.orchestrator.running import (
    PATIENCE_S,
    ROOT,
    count_rows,
    environment,
    rates,
    start,
    write_sweep,
)

SMALL_TASKS = Path(__file__).with_name("small_tasks.py")

POISON = "raise RuntimeError('a file of the user')"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files named like packages of the project."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("search", "storage", "workers"):
        (folder / f"{name}.py").write_text(POISON)
    return folder


def test_workers_do_not_import_from_the_user_s_folder(folder: Path) -> None:
    write_sweep(folder / "mine.toml", f'structure = ["1x1x1"]\n{rates(4)}')
    words = ("run", "mine.toml", "--store", "store", "--device", "cpu", "--workers", "1")
    with start(SMALL_TASKS, *words, folder=folder) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "finished: 4 trained" in err
    assert count_rows(folder / "store") == 4


def test_ray_starts_in_an_empty_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with empty_working_directory():
        empty = Path.cwd()
        assert list(empty.iterdir()) == []
        assert empty.stat().st_mode & 0o777 == 0o700
    assert Path.cwd() == folder
    with empty_working_directory():
        assert Path.cwd() == empty


def test_relative_folders_in_the_environment_become_absolute(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["lib", "/usr/lib/mine"]))
    monkeypatch.setenv("SPARSEST_CACHE", "kept")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    with empty_working_directory():
        assert os.environ["PYTHONPATH"] == f"{folder / 'lib'}{os.pathsep}/usr/lib/mine"
        assert os.environ["SPARSEST_CACHE"] == str(folder / "kept")
        assert os.environ["XDG_CACHE_HOME"] == ""


def test_checkout_stays_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with empty_working_directory():
        assert Path.cwd() == ROOT


def test_hidden_package_is_named_in_a_notebook(tmp_path: Path) -> None:
    hiding = tmp_path / "analysis" / "__init__.py"
    hiding.parent.mkdir()
    hiding.write_text(POISON)
    # Python searches the folder of a program first, like that of a notebook.
    (tmp_path / "notebook.py").write_text("import sparsest; sparsest.open")
    program = [sys.executable, "notebook.py"]
    ended = subprocess.run(
        program, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert f"ImportError: {hiding} hides the package 'analysis'" in ended.stderr


def test_hidden_package_is_named_by_the_command(folder: Path) -> None:
    with start("sparsest", "studies", folder=folder) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"error: {folder / 'search.py'} hides the package 'search'")
    assert len(err.splitlines()) == 1


def test_every_package_is_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix(".*") for name in named} == set(PACKAGES)
    require_packages()
