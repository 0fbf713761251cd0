"""The cache of compiled functions on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.event import trigger_event

from search.compilation import running_time

ROOT = Path(__file__).resolve().parents[2]

CALLER = """
from {module} import compiled
from {package}.called import called
called = compiled(called)
@compiled
def caller(x): return called(x)
print(caller(1), *caller.stats.cache_hits.values())
"""


@pytest.mark.parametrize(
    ("package", "module"),
    [("pruning", "search.compilation"), ("search", "workers.kernel.compiled")],
)
def test_edit_of_a_called_function_recompiles_its_callers(
    package: str, module: str, tmp_path: Path
) -> None:
    for name in ("pruning", "search", "workers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    for source in ("search/cache_folder.py", "search/compilation.py"):
        shutil.copy(ROOT / source, tmp_path / source)
    shutil.copytree(ROOT / "workers" / "kernel", tmp_path / "workers" / "kernel")
    (tmp_path / "caller.py").write_text(CALLER.format(module=module, package=package))

    def printed(added: int) -> str:
        called = f"def called(x): return x + {added}"
        (tmp_path / package / "called.py").write_text(called)
        return subprocess.run(
            [sys.executable, "-m", "caller"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(tmp_path),
                "SPARSEST_CACHE": str(tmp_path),
                # Python takes its bytecode for that of an edit of equal size in the same second.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert [printed(1), printed(1), printed(2), printed(1)] == ["2\n", "2 1\n", "3\n", "2 1\n"]


def test_running_time_leaves_out_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("search.compilation.time.perf_counter", lambda: now)
    before = running_time()
    now += 1
    with trigger_event("numba:compile"):
        now += 10
        with trigger_event("numba:compile"):
            now += 20
    now += 2
    assert running_time() - before == 3
