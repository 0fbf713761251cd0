"""docs/data-sets.md compared with the data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

import sparsest
from search.datasets import DATASETS
from tests.docs.pages import ROOT, table, the_code

PAGE = ROOT / "docs" / "data-sets.md"


def test_page_states_size_digest_and_linear_accuracy_of_every_data_set() -> None:
    stated = {name: numbers for name, _, *numbers in table(PAGE, "Built-in data sets")}
    assert stated == {
        name: [
            f"{spec.points:,}",
            f"{spec.test_points:,}" if spec.test_points else "",
            str(spec.features),
            str(spec.classes),
            f"{spec.linear_accuracy:.1%}".replace("%", " %"),
            spec.digest,
        ]
        for name, spec in DATASETS.items()
    }


def test_file_on_the_page_is_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARSEST_CACHE", str(tmp_path / "cache"))
    exec(the_code(PAGE, "python"), {})
    dataset = sparsest.load_dataset("file:points.parquet")
    assert dataset.test is not None
    assert (len(dataset), len(dataset.test), dataset.features) == (800, 200, 3)
