"""The page of results against the results themselves."""

from __future__ import annotations

import re

import pyarrow as pa

import sparsest
from analysis.findings import names, question
from benchmarks.results_page import PAGE, answer, filled
from tests.docs.pages import ROOT


def test_figure_on_the_page_is_not_the_published_one() -> None:
    page = PAGE.read_text()
    assert len(re.findall("^```sql$", page, re.MULTILINE)) > 8
    with sparsest.open_published() as published:
        again = filled(page, lambda query: published.sql(query).arrow())
    assert again.splitlines() == page.splitlines()


def test_every_query_has_its_table() -> None:
    asked = []

    def ask(query: str) -> pa.Table:
        asked.append(query)
        return pa.table({"n": [1]})

    filled(PAGE.read_text(), ask)
    assert len(asked) == len(re.findall("^```sql$", PAGE.read_text(), re.MULTILINE))


def test_query_on_the_page_is_not_the_report_s() -> None:
    page = PAGE.read_text()
    named = re.findall(r"^```sql\n-- (\w+)\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert len(named) == len(re.findall("^```sql$", page, re.MULTILINE))
    for name, sql in named:
        assert sql == question(name)


def test_question_is_asked_by_nobody() -> None:
    texts = [PAGE.read_text(), (ROOT / "analysis" / "findings.sql").read_text()]
    texts += [file.read_text() for file in (ROOT / "analysis" / "report").rglob("*.py")]
    for name in names():
        asked = (f"```sql\n-- {name}\n", f"(${name})", f'"{name}"')
        assert any(word in text for word in asked for text in texts), name


def test_numbers_and_masks_break_a_table() -> None:
    result = pa.table({"mask1": ["10|01"], "run_id": [1234], "n": [1234], "x": [0.2], "no": [None]})
    assert answer(result).splitlines()[2] == r"| 10\|01 | 1234 | 1,234 | 0.2 |  |"
