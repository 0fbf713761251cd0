"""docs/sweep-files.md against the code that reads sweep files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.planning.targets import find_targets
from pruning.registry import METHODS
from search.experiment import Experiment
from search.study import Study
from search.sweeps.keys import FILE_KEYS, table_keys
from search.tsv import tsv_lines
from tests.docs.pages import SWEEP_FILES as PAGE
from tests.docs.pages import Block, blocks, prose, table, the_code
from workers.datasets import DATASETS
from workers.schedules import SCHEDULES

MESSAGE = re.compile(r"```text\n(error: .*?)\n```\n", re.DOTALL)
CLAIM = re.compile(r"\*\*([\d,]+) experiments\*\*(?:, ([\d,]+) of them new)?")

FILES = blocks(PAGE, "toml")
REFUSED = [file for file in FILES if MESSAGE.match(file.behind)]
ACCEPTED = [file for file in FILES if file not in REFUSED]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str) -> Study:
    """The study of a sweep file, as commands load it."""
    Path("my-sweep.toml").write_text(text)
    (selection,) = find_targets(["my-sweep.toml"]).selections
    return selection.study


def claimed(file: Block) -> tuple[int, int | None]:
    """How many experiments the page says that a file has, and how many new ones if it does."""
    claim = CLAIM.match(file.behind)
    assert claim is not None, f"no number of experiments behind\n{file.code}"
    total, new = claim.groups()
    return int(total.replace(",", "")), None if new is None else int(new.replace(",", ""))


@pytest.mark.parametrize("file", ACCEPTED, ids=lambda file: file.heading)
def test_files_have_as_many_experiments_as_the_page_says(file: Block) -> None:
    assert len(load(file.code)) == claimed(file)[0]


def test_edited_file_has_as_many_new_experiments_as_the_page_says() -> None:
    before: set[str] = set()
    found, said = [], []
    for file in ACCEPTED:
        ids = {experiment.experiment_id for experiment in load(file.code)}
        new = claimed(file)[1]
        if new is not None:
            found.append(len(ids - before))
            said.append(new)
        before = ids
    assert said
    assert found == said


@pytest.mark.parametrize("name", ["order", "rigl-intervals"])
def test_experiments_come_in_the_order_that_the_page_lists(name: str) -> None:
    study = load(the_code(PAGE, "toml", having=f'name = "{name}"'))
    lines = tsv_lines(study, range(len(study)))
    listed = the_code(PAGE, "text", having=f"{name}:1").splitlines()
    assert [line.split() for line in listed] == [line.split("\t") for line in lines]


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.code.splitlines()[-1])
def test_mistakes_are_told_in_the_words_of_the_page(file: Block) -> None:
    with pytest.raises(UserError) as error:
        load(file.code)
    shown = MESSAGE.match(file.behind)
    assert shown is not None
    assert shown[1] == f"error: {error.value}"


def test_every_key_is_on_the_page_with_what_is_allowed_and_its_default() -> None:
    rows = table(PAGE, "The keys")
    documented = {key: (allowed, default) for key, _, allowed, default, _ in rows}
    keys = FILE_KEYS | table_keys(METHODS, DATASETS, SCHEDULES)
    numbered = {f"mask{layer}" for layer in range(2, 65)}
    assert list(documented) == [key for key in keys if key not in numbered]
    paper = Experiment()
    for key, (allowed, default) in documented.items():
        assert allowed == keys[key].allowed
        if hasattr(paper, key) and default not in ("needed", "none") and key != "masks":
            assert tomllib.loads(f"x = {default}")["x"] == getattr(paper, key)


def test_every_hyperparameter_is_on_the_page_as_the_registry_has_it() -> None:
    assert table(PAGE, "Hyperparameters") == [
        [method.name, name, str(setting.default), setting.allowed, setting.meaning]
        for method in METHODS.values()
        for name, setting in method.settings.items()
    ]


def test_page_says_which_methods_have_no_hyperparameters() -> None:
    without = [f"`{name}`" for name, method in METHODS.items() if not method.settings]
    assert f"{' and '.join(without)} have no hyperparameters." in " ".join(prose(PAGE).split())
