"""The manual's navigation, and the code on pages without a separate test file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

import sparsest
from docs.site.navigation import NAVIGATION
from orchestrator.planning.targets import find_targets
from search.experiment import InitScheme
from tests.docs.pages import PAGES, ROOT, Block, blocks, the_code

FIRST, REPRODUCIBILITY, NOTEBOOKS = (
    ROOT / "docs" / f"{name}.md" for name in ("first-sweep", "reproducibility", "notebooks")
)
SITE = ROOT / "docs" / "site"


def test_every_page_is_in_the_navigation() -> None:
    pages = {str(page.relative_to(ROOT).with_suffix("")) for page in (ROOT / "docs").rglob("*.md")}
    named = [page for pages in NAVIGATION.values() for page in pages]
    folders = [page.removesuffix("*") for page in named if page.endswith("*")]
    assert [p for p in pages if p not in named and not p.startswith(tuple(folders))] == []
    assert len(set(named)) == len(named)


def test_every_public_name_is_in_the_reference() -> None:
    reference = (SITE / "functions.rst").read_text()
    public = {name for name in sparsest.__all__ if not name.startswith("__")}
    documented = set(re.findall(r"^\.\. auto\w+:: sparsest\.(\w+)", reference, re.MULTILINE))
    assert documented == public


def test_examples_import_only_the_public_module() -> None:
    code = "".join(block.code for page in PAGES for block in blocks(page, "python"))
    code += "".join(file.read_text() for file in (ROOT / "examples").glob("*.ipynb"))
    packages = "|".join(sparsest.PACKAGES)
    assert re.findall(rf"(?:from|import) (?:{packages})\b", code) == []


@pytest.mark.parametrize("edit", [0, 1])
def test_first_sweep_has_the_stated_size(
    edit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes: list[set[str]] = []
    for file in blocks(FIRST, "toml"):
        Path("first.toml").write_text(file.code)
        (selection,) = find_targets(["first.toml"])
        sizes.append({experiment.experiment_id for experiment in selection.study})
    claims = re.findall(r"\*\*(\d+) experiments\*\*(?:, (\d+) of them new)?", FIRST.read_text())
    total, new = claims[edit]
    assert int(total) == len(sizes[edit])
    if new:
        assert int(new) == len(sizes[edit] - sizes[edit - 1])


@pytest.mark.parametrize(
    "query",
    [*blocks(FIRST, "sql"), *blocks(REPRODUCIBILITY, "sql")],
    ids=lambda query: query.heading,
)
def test_page_queries_return_rows(query: Block, store: sparsest.Store) -> None:
    assert len(store.sql(query.code)) > 0


def test_first_network_has_the_recorded_accuracy(
    store: sparsest.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(the_code(FIRST, "python").replace("runs/first", "runs/paper"), {})
    measured, recorded = map(float, capsys.readouterr().out.split())
    assert measured == pytest.approx(recorded, abs=1e-4)


def test_notebook_page_code_runs(store: sparsest.Store) -> None:
    exec("\n".join(block.code for block in blocks(NOTEBOOKS, "python")), {})


def test_reproducibility_page_code_prints_the_id(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(the_code(REPRODUCIBILITY, "python"), names)
    assert capsys.readouterr().out.split()[0] == names["experiment"].experiment_id


def test_page_lists_every_seed_stream() -> None:
    files = [*(ROOT / "workers").glob("*.py"), *(ROOT / "pruning").glob("*.py")]
    code = "".join(path.read_text() for path in files)
    used = set(re.findall(r'experiment\.seed\("(\w+)"\)', code))
    # `normal_network` has a stream for each scheme.
    used |= set(get_args(InitScheme)) - {"torch"}
    assert set(re.findall(r'`experiment\.seed\("(\w+)"\)`', REPRODUCIBILITY.read_text())) == used
