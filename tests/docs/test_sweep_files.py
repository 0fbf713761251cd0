"""The sweep files and tables of docs/sweep-files.md and docs/sweep-recipes.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from orchestrator.planning.targets import find_targets
from search.experiment import Experiment
from search.methods import METHODS
from search.study import Study
from search.sweeps.keys import FILE_KEYS, table_keys
from search.tsv import tsv_lines
from tests.docs.pages import SWEEP_FILES as PAGE
from tests.docs.pages import SWEEP_RECIPES, Block, blocks, prose, table, the_code

CLAIM = re.compile(r"\*\*([\d,]+) experiments\*\*(?:, ([\d,]+) of them new)?")

FILES = [*blocks(PAGE, "toml"), *blocks(SWEEP_RECIPES, "toml")]


@pytest.fixture(autouse=True)
def in_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str) -> Study:
    """Return the study of a sweep file, loaded as commands load it."""
    Path("my-sweep.toml").write_text(text)
    (selection,) = find_targets(["my-sweep.toml"])
    return selection.study


def claimed_sizes(file: Block) -> tuple[int, int | None]:
    """Return the number of experiments that the page states for a file, and of new ones."""
    claim = CLAIM.match(file.following)
    assert claim is not None, f"no number of experiments after\n{file.code}"
    total, new = claim.groups()
    return int(total.replace(",", "")), None if new is None else int(new.replace(",", ""))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.heading)
def test_file_has_the_stated_number_of_experiments(file: Block) -> None:
    assert len(load(file.code)) == claimed_sizes(file)[0]


def test_edited_file_has_the_stated_number_of_new_experiments() -> None:
    before: set[str] = set()
    actual, stated = [], []
    for file in FILES:
        ids = {experiment.experiment_id for experiment in load(file.code)}
        new = claimed_sizes(file)[1]
        if new is not None:
            actual.append(len(ids - before))
            stated.append(new)
        before = ids
    assert stated
    assert actual == stated


@pytest.mark.parametrize("name", ["order", "rigl-intervals"])
def test_experiments_are_listed_in_the_stated_order(name: str) -> None:
    study = load(the_code(PAGE, "toml", containing=f'name = "{name}"'))
    lines = tsv_lines(study, range(len(study)))
    listed = the_code(PAGE, "text", containing=f"{name}:1").splitlines()
    assert [line.split() for line in listed] == [line.split("\t") for line in lines]


def test_page_lists_every_key_with_its_allowed_values_and_default() -> None:
    rows = table(PAGE, "The keys")
    documented = {key: (allowed, default) for key, _, allowed, default, _ in rows}
    keys = FILE_KEYS | table_keys()
    numbered = {f"mask{layer}" for layer in range(2, 66)}
    assert list(documented) == [key for key in keys if key not in numbered]
    paper = Experiment()
    for key, (allowed, default) in documented.items():
        assert allowed == keys[key].allowed
        if hasattr(paper, key) and default not in ("needed", "none") and key != "masks":
            assert tomllib.loads(f"x = {default}")["x"] == getattr(paper, key)


def test_page_lists_every_hyperparameter_as_the_registry_has_it() -> None:
    assert table(PAGE, "Hyperparameters") == [
        [method.name, name, str(setting.default), setting.allowed, setting.meaning]
        for method in METHODS.values()
        for name, setting in method.settings.items()
    ]


def test_page_names_the_methods_without_hyperparameters() -> None:
    without = [f"`{name}`" for name, method in METHODS.items() if not method.settings]
    assert f"{' and '.join(without)} have no hyperparameters." in " ".join(prose(PAGE).split())
