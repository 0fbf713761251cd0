"""docs/store.md and docs/sql.md against a real store."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from inspect import signature
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

import sparsest
from orchestrator.cli import app
from search.experiment import TRAINING_VERSION
from search.schema import SCHEMA_VERSION, STATUSES
from storage.data.parts import schema_sha256
from storage.log.entries import LOG_FORMAT, Record, RowsCommitted
from storage.log.seal import seal
from storage.marker import STORE_FORMAT
from storage.writing.writer import StoreWriter
from tests.docs.pages import SQL, Block, blocks, table, the_code
from tests.docs.pages import STORE as PAGE


def documented_columns(view: str) -> list[list[str]]:
    return [row[:2] for row in table(PAGE, f"The columns of `{view}`")]


@pytest.mark.parametrize("view", ["results", "sweeps"])
def test_every_column_is_on_the_page(view: str, store: sparsest.Store) -> None:
    described = store.sql(f"DESCRIBE {view}").arrow().to_pylist()
    columns = [[row["column_name"], row["column_type"]] for row in described]
    assert documented_columns(view) == columns


def test_pages_disagree_with_the_writer_on_when_it_commits() -> None:
    defaults = signature(StoreWriter).parameters
    rows, seconds = defaults["max_rows"].default, defaults["max_seconds"].default
    text = PAGE.read_text()
    for heading in ("When a row is stored", "Compacting"):
        section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert f"{rows:,}" in section
        assert f"{seconds:g} seconds" in section


def test_statuses_are_those_of_the_page() -> None:
    assert [status for status, _ in table(PAGE, "Statuses")] == list(STATUSES)


def test_versions_are_those_of_the_page() -> None:
    _, behind = PAGE.read_text().split("\n## Versions\n")
    now = [int(number) for number in re.findall(r"^\|[^|]*\| (\d+) \|", behind, re.MULTILINE)]
    assert now == [STORE_FORMAT, LOG_FORMAT, SCHEMA_VERSION, TRAINING_VERSION]


def test_folder_holds_what_the_page_says(store: sparsest.Store) -> None:
    # The first path of a cell; some name a pattern.
    documented = {cell.partition("`")[0] for cell, _ in table(PAGE, "What is in the folder")}
    assert [path for path in documented if not list(Path().glob(path))] == []
    names = {path.split("/")[2] for path in documented if path.startswith("runs/paper/")}
    assert {file.name for file in Path("runs/paper").iterdir()} == names


def test_log_entry_on_the_page_is_a_real_one_of_this_version() -> None:
    shown = json.loads(the_code(PAGE, "json"))
    record = Record.model_validate_json(json.dumps(shown["record"]))
    assert json.loads(seal(record.model_dump_json())) == shown
    assert isinstance(record.entry, RowsCommitted)
    assert record.entry.schema_sha256 == schema_sha256()


def test_rows_are_rebuilt_as_networks_by_the_page_s_lines(
    store: sparsest.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(the_code(PAGE, "python", containing="logits"), names)
    measured, recorded = map(float, capsys.readouterr().out.split())
    assert measured == pytest.approx(recorded, abs=1e-4)
    spiral = sparsest.load_dataset("cubist-spiral")
    rows = store.sql("SELECT * FROM results WHERE accuracy IS NOT NULL").arrow().to_pylist()
    assert {row["status"] for row in rows} == {"ok", "collapsed"}
    for row in rows:
        hits = (names["logits"](row, spiral.points) > 0) == spiral.labels
        assert hits.mean() == pytest.approx(row["accuracy"], abs=1e-4)


def test_data_files_are_found_by_the_page_s_lines(
    store: sparsest.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(the_code(PAGE, "python", containing="pyarrow.dataset"), {})
    assert int(capsys.readouterr().out) == len(store.sql("FROM results"))


def test_replaced_files_are_read_by_the_page_s_lines(
    store: sparsest.Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree("runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    words = ["forget", "--where", "study_index % 2 = 0", "--store", "runs/paper", "--yes"]
    assert CliRunner().invoke(app, words).exit_code == 0
    exec(the_code(PAGE, "python", containing="pyarrow.dataset"), {})
    with sparsest.open("runs/paper") as rest:
        assert int(capsys.readouterr().out) == len(rest.sql("FROM results"))
        assert 0 < len(rest.sql("FROM results")) < len(store.sql("FROM results"))


def test_damage_is_found_by_the_page_s_lines(
    store: sparsest.Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree("runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    code = the_code(PAGE, "python", containing="verify_store")
    exec(code, {})
    assert capsys.readouterr().out == ""
    (part,) = Path("runs/paper/data").iterdir()
    content = part.read_bytes()
    part.chmod(0o644)
    part.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    exec(code, {})
    assert part.name in capsys.readouterr().out


def test_copy_made_by_the_page_s_lines_is_a_store(store: sparsest.Store) -> None:
    subprocess.run(["sh", "-e", "-c", the_code(PAGE, "sh")], check=True)
    with sparsest.open("copy") as copy:
        assert len(copy.sql("FROM results")) == len(store.sql("FROM results"))


def test_exported_database_has_the_columns_of_the_page(store: sparsest.Store) -> None:
    options = ["--store", "runs/paper", "--format", "duckdb", "--output", "paper.duckdb"]
    ended = CliRunner().invoke(app, ["export", *options])
    assert ended.exit_code == 0, ended.output
    with duckdb.connect("paper.duckdb", read_only=True) as database:
        for view in ("results", "sweeps"):
            described = database.execute(f"DESCRIBE {view}").fetchall()
            assert [list(row[:2]) for row in described] == documented_columns(view)


@pytest.mark.parametrize("question", blocks(SQL, "sql"), ids=lambda question: question.heading)
def test_questions_have_answers_with_the_columns_of_the_page(
    question: Block, store: sparsest.Store
) -> None:
    claim = re.match(r"Columns: ([^.]*)\.", question.following)
    assert claim is not None
    answer = store.sql(question.code).arrow()
    assert answer.column_names == re.findall(r"`(\w+)`", claim[1])
    assert answer.num_rows > 0
    # As text, which takes another way through the database.
    words = ["query", question.code, "--store", "runs/paper", "--format", "json"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    assert len(ended.stdout.splitlines()) == answer.num_rows
