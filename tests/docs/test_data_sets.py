"""docs/data-sets.md compared with the data sets."""

from __future__ import annotations

from search.datasets import DATASETS
from tests.docs.pages import ROOT, table

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
