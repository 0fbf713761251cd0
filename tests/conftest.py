"""Settings and fixtures of all tests: one thread, no deadlines, the reference files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Set before numba and torch are imported, which read them once. The tests share a small machine,
# and the last bit of a sum must not depend on the number of threads.
for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

# A busy machine or the compilation of a kernel makes an example slow, not wrong.
settings.register_profile(
    "local", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


SLOWEST = (
    "orchestrator/test_cluster.py",
    "faults/test_runs.py",
    "orchestrator/test_ray_executor.py",
    "faults/test_storm.py",
    "faults/test_cut_network.py",
    "analysis/test_report_page.py",
)
"""Files that take longest, mostly by waiting; they start first, so that they do not end last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the slowest files to the front, and keep the order of the others."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder on the import path for `tests.installed.install`, removed after the test."""
    # Imported here: most tests do not need it.
    from tests.installed import forget_plugins

    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    monkeypatch.undo()
    forget_plugins()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the reference files, which are not part of the checkout.

    It is $SPARSEST_SHARED or, without that, `shared` beside the checkout.
    """
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    folder = Path(os.environ.get("SPARSEST_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"no reference files at {folder}; SPARSEST_SHARED names their folder")
    return folder
