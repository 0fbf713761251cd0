"""The pages of results compared with the published results."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from analysis.findings import names, question
from benchmarks.results_page import PAGES, answer, filled, refilled
from tests.docs.pages import ROOT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_figure_is_the_published_one(page: Path) -> None:
    text = page.read_text()
    assert len(re.findall("^```sql$", text, re.MULTILINE)) >= 2
    assert refilled(page).splitlines() == text.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_query_has_a_table(page: Path) -> None:
    asked = []

    def ask(query: str) -> pa.Table:
        asked.append(query)
        return pa.table({"n": [1]})

    filled(page.read_text(), ask)
    assert len(asked) == len(re.findall("^```sql$", page.read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_query_is_that_of_the_report(page: Path) -> None:
    text = page.read_text()
    named = re.findall(r"^```sql\n-- (\w+)\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert len(named) == len(re.findall("^```sql$", text, re.MULTILINE))
    for name, sql in named:
        assert sql == question(name)


def test_every_named_query_is_used() -> None:
    texts = [page.read_text() for page in PAGES]
    texts += [(ROOT / "analysis" / "findings.sql").read_text()]
    texts += [file.read_text() for file in (ROOT / "analysis" / "report").rglob("*.py")]
    for name in names():
        uses = (f"```sql\n-- {name}\n", f"(${name})", f'"{name}"')
        assert any(use in text for use in uses for text in texts), name


def test_numbers_and_masks_fit_into_a_table() -> None:
    result = pa.table({"mask1": ["10|01"], "run_id": [1234], "n": [1234], "x": [0.2], "no": [None]})
    assert answer(result).splitlines()[2] == r"| 10\|01 | 1234 | 1,234 | 0.2 |  |"
