"""The notebooks in examples/, executed as a whole."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

PUBLISHED = ("phase1.parquet", "overparam.parquet")
"""Published results given to the notebook; all of them would take three times as long."""


def environment(home: Path) -> dict[str, str]:
    """Return variables for a kernel that installs into a test folder and reads few results."""
    site, results = home / "site", home / "results"
    for folder in (site, results):
        folder.mkdir()
    for name in PUBLISHED:
        (results / name).symlink_to(ROOT / "results" / name)
    bin_folder = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{site}",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "SPARSEST_RESULTS": str(results),
        # As `pip install --target site --no-deps --no-build-isolation`: nothing is downloaded, and
        # the environment stays unchanged.
        "PIP_TARGET": str(site),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # to pip, 0 means no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    executed = tmp_path / notebook.name
    shutil.copy(notebook, executed)
    # A separate process, because its event loop and sockets would outlive the test.
    program = "import sys; from nbclient.cli import main; sys.exit(main())"
    completed = subprocess.run(
        [sys.executable, "-c", program, "--inplace", str(executed), "--timeout", "300"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stderr
    before, after = read(notebook), read(executed)
    assert [cell.source for cell in after.cells] == [cell.source for cell in before.cells]
    outputs = [output for cell in after.cells for output in cell.get("outputs", [])]
    shown = [output.get("data", {}) for output in outputs]
    assert sum("image/png" in data for data in shown) >= 2
    trains = any("sparsest.train(" in cell.source for cell in before.cells)
    assert any("<progress" in str(data.get("text/html")) for data in shown) == trains


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebook_is_stored_without_output(notebook: Path) -> None:
    content = read(notebook)
    nbformat.validate(content)
    for cell in content.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebook_tells_how_to_uninstall_its_package(notebook: Path) -> None:
    source = "\n".join(cell.source for cell in read(notebook).cells)
    for package in re.findall(r"%pip install .*\./(\S+)", source):
        assert f"%pip uninstall --yes {package}" in source


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
