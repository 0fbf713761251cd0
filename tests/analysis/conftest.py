"""A store and its report, made once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.report.build import Built, Options, build_report
from storage.reading.reader import StoreReader
from tests.analysis.made_report import small_store


@pytest.fixture(scope="session")
def report_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with networks of the search, GMP and SNIP."""
    return small_store(tmp_path_factory.mktemp("report-store"))


@pytest.fixture(scope="session")
def report(
    report_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Built, list[str]]:
    """Return the folder of the store's report, its summary, and the reported steps."""
    folder = tmp_path_factory.mktemp("reports") / "report"
    steps: list[str] = []
    options = Options(source="The tests' store", store_option="--store runs/paper")
    with StoreReader(report_store) as reader:
        built = build_report(reader, folder, options, lambda step, done, total: steps.append(step))
    return folder, built, steps
