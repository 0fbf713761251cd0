"""The page of pruning methods."""

from __future__ import annotations

from search.methods import METHODS
from search.paper import paper_study
from tests.docs.pages import ROOT, table

PAGE = ROOT / "docs" / "pruning-methods.md"


def name_in(cell: str) -> str:
    return cell.rstrip(" *").strip("`")


def test_page_lists_every_method_under_its_phase() -> None:
    headings = ("Before training", "During and after training", "Without a target")
    cells = {heading: [row[0] for row in table(PAGE, heading)] for heading in headings}
    found = {heading: {name_in(cell) for cell in below} for heading, below in cells.items()}
    chosen = [method for method in METHODS.values() if method.chooses_masks]
    targets = {method.name for method in chosen if "target_nnz" in method.keys}
    before = {method.name for method in chosen if method.prunes == "before"}
    assert found["Before training"] == before
    assert found["Without a target"] == {method.name for method in chosen} - targets
    assert found["During and after training"] == targets - before
    starred = {name_in(cell) for below in cells.values() for cell in below if "*" in cell}
    assert starred == paper_study("overparam").values("method")
