"""A report, made once for all tests that look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.report.build import Built, Options, build_report
from storage.reading.reader import StoreReader
from tests.analysis.made_report import small_store


@pytest.fixture(scope="session")
def report_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of networks of the search, of GMP and of SNIP, all in a second or two."""
    return small_store(tmp_path_factory.mktemp("report-store"))


@pytest.fixture(scope="session")
def report(
    report_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Built, list[str]]:
    """Folder of that store's report, what it holds, and the steps that were told."""
    folder = tmp_path_factory.mktemp("reports") / "report"
    told: list[str] = []
    options = Options(source="The tests' store", asking="--store runs/paper")
    with StoreReader(report_store) as reader:
        built = build_report(reader, folder, options, lambda step, done, of: told.append(step))
    return folder, built, told
