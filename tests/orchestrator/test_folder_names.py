"""Stores and caches in folders whose names look like columns, such as `lr=0.1`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import sparsest as notebook
from orchestrator.commands import results
from search.schema import RESULT_SCHEMA
from tests.orchestrator.running import INLINE, rows, sparsest

ALL = "SELECT * FROM results ORDER BY experiment_id"

COLUMNS = "/".join(f"{name}=1" for name in (*RESULT_SCHEMA.names, "d1", "mask1"))
"""A path with a folder named after every column."""


@pytest.fixture
def nested(trained: Path, tmp_path: Path) -> Path:
    """A copy of the store with six rows, below folders named after all columns."""
    return Path(shutil.copytree(trained, tmp_path / COLUMNS / "store"))


def test_commands_give_the_same_answers_as_in_a_plain_folder(
    nested: Path, trained: Path, tmp_path: Path
) -> None:
    assert rows(nested) == rows(trained)
    counts = "SELECT lr, count(*) FROM results WHERE method = 'search' GROUP BY lr ORDER BY lr"
    for query in (ALL, counts):
        ask = ("query", query, "--format", "csv", "--store")
        assert sparsest(*ask, nested).out == sparsest(*ask, trained).out
    with notebook.open(nested) as there, notebook.open(trained) as here:
        assert there.sql(ALL).arrow() == here.sql(ALL).arrow()
    for store in (nested, trained):
        export = ("export", "--format", "csv", "--store", store, "--output")
        assert sparsest(*export, tmp_path / f"{store.parent.name}.csv").code == 0
    exported = [file.read_text() for file in tmp_path.glob("*.csv")]
    assert exported[0] == exported[1]

    assert json.loads(sparsest("diff", nested, trained, "--json").out)["equal"] == 6
    replays = [
        json.loads(sparsest("replay", "six:5", "--store", store, "--json").out)
        for store in (nested, trained)
    ]
    for replay in replays:
        replay.pop("train_ms", None)
    assert replays[0] == replays[1]
    for store in (nested, trained):
        report = ("report", "--store", store, "--output", tmp_path / f"report-{store.parent.name}")
        assert sparsest(*report).code == 0
    tables = [sorted(folder.rglob("*.csv")) for folder in tmp_path.glob("report-*")]
    assert tables[0]
    assert [t.read_bytes() for t in tables[0]] == [t.read_bytes() for t in tables[1]]

    merged = tmp_path / COLUMNS / "merged"
    assert sparsest("merge", nested, "--into", merged).code == 0
    assert rows(merged) == rows(trained)


def test_forget_removes_the_rows_of_the_condition(nested: Path) -> None:
    before = rows(nested).to_pylist()
    forget = ("forget", "--store", nested, "--yes", "--where")
    assert sparsest(*forget, "lr = 1 OR study = '1' OR accuracy = 1").code == 0
    assert rows(nested).to_pylist() == before
    assert sparsest(*forget, "lr > 0.025").code == 0
    assert rows(nested).to_pylist() == [row for row in before if row["lr"] <= 0.025]


def test_published_results_are_the_stored_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / COLUMNS
    store = deep / "store"
    assert sparsest("run", "phase2-95", "--run-id", "43531", "--store", store, *INLINE).code == 0
    assert sparsest("publish", "--store", store, "--output", deep / "results").code == 0
    monkeypatch.setenv("SPARSEST_RESULTS", str(deep / "results"))
    monkeypatch.setattr(results, "cache_folder", lambda: deep / "cache")
    query = (
        "SELECT * EXCLUDE (train_ms, weight_index, weights, bias_index, biases) FROM results",
        "--format",
        "csv",
    )
    published = sparsest("query", *query, "--published")
    assert published.out == sparsest("query", *query, "--store", store).out


def test_names_with_wildcards_are_read_literally(trained: Path, tmp_path: Path) -> None:
    """Copies of a store have data files with the same names."""
    names = ("a*b", "a?b", "a[x]b", "axb")
    for name in names:
        shutil.copytree(trained, tmp_path / name)
    for name in names[:3]:
        words = ("forget", "--where", "lr = 0.01", "--yes", "--store", tmp_path / name)
        assert sparsest(*words).code == 0
        assert len(rows(tmp_path / name)) == 4
        counts = json.loads(sparsest("diff", tmp_path / name, tmp_path / "axb", "--json").out)
        assert (counts["only_b"], counts["equal"]) == (2, 4)
    assert len(rows(tmp_path / "axb")) == 6


@pytest.mark.parametrize("name", ["", "x" * 256, "a/" + "x" * 300])
def test_name_that_no_folder_can_have_is_refused(name: str, tmp_path: Path) -> None:
    for words in (("run", "phase1", "--limit", "1"), ("status",), ("query", "SELECT 1")):
        ended = sparsest(*words, "--store", name)
        assert ended.code == 2
        assert "--store" in ended.err
