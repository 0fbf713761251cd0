"""What every test runs under: one thread, no deadlines, the files outside the checkout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports numba or torch, which read these once. The tests share a small machine,
# and the order of a sum, so its last bit, must not depend on how many threads there are.
for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

# A busy machine or a kernel that is compiled first makes an example slow, never wrong.
settings.register_profile(
    "local", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


FIRST = (
    "orchestrator/test_cluster.py",
    "faults/test_runs.py",
    "orchestrator/test_ray_executor.py",
    "faults/test_storm.py",
    "faults/test_cut_network.py",
    "analysis/test_report_page.py",
)
"""Files that take longest, mostly by waiting; begun last, they would be what all wait for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; all others stay as they are."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of the path, for `tests.installed.install`; nothing of it stays."""
    # Imported here: most tests need nothing of it.
    from tests.installed import look_again

    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    monkeypatch.undo()
    look_again()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference files, which are not part of the checkout.

    Named by the environment variable SPARSEST_SHARED; without it, `shared` beside the checkout.
    """
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    folder = Path(os.environ.get("SPARSEST_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"no reference files at {folder}; SPARSEST_SHARED names their folder")
    return folder
