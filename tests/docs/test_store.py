"""docs/store.md, docs/manage-a-store.md and docs/sql.md compared with a real store."""

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
from storage.data.new_parts import known_schemas
from storage.log.entries import LOG_FORMAT, NumberedEntry, RowsCommitted
from storage.log.seal import seal
from storage.marker import STORE_FORMAT
from storage.writing.writer import StoreWriter
from tests.docs.pages import MANAGE, SQL, Block, blocks, table, the_code
from tests.docs.pages import STORE as PAGE
from tests.docs.store_columns import TABLE, column_table


def documented_columns(view: str) -> list[list[str]]:
    return [row[:2] for row in table(PAGE, f"The columns of `{view}`")]


@pytest.mark.parametrize("view", ["results", "sweeps"])
def test_every_column_is_on_the_page(view: str, store: sparsest.Store) -> None:
    described = store.sql(f"DESCRIBE {view}").arrow().to_pylist()
    columns = [[row["column_name"], row["column_type"]] for row in described]
    assert documented_columns(view) == columns


def test_page_has_the_generated_table_of_columns() -> None:
    shown = TABLE.search(PAGE.read_text())
    assert shown is not None
    assert shown[0] == column_table(), "python -m tests.docs.store_columns rewrites the table"


def test_pages_state_when_the_writer_commits() -> None:
    defaults = signature(StoreWriter).parameters
    rows, seconds = defaults["max_rows"].default, defaults["max_seconds"].default
    for page, heading in ((PAGE, "When a row is stored"), (MANAGE, "Compact")):
        section = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert f"{rows:,}" in section
        assert f"{seconds:g} seconds" in section


def test_page_lists_every_status() -> None:
    assert [status for status, _ in table(PAGE, "Statuses")] == list(STATUSES)


def test_page_states_the_current_versions() -> None:
    _, section = PAGE.read_text().split("\n## Versions\n")
    current = [int(number) for number in re.findall(r"^\|[^|]*\| (\d+) \|", section, re.MULTILINE)]
    assert current == [STORE_FORMAT, LOG_FORMAT, SCHEMA_VERSION, TRAINING_VERSION]


def test_folder_contains_what_the_page_lists(store: sparsest.Store) -> None:
    # The first path of a cell, which may be a pattern.
    documented = {cell.partition("`")[0] for cell, _ in table(PAGE, "What is in the folder")}
    assert [path for path in documented if not list(Path().glob(path))] == []
    names = {path.split("/")[2] for path in documented if path.startswith("runs/paper/")}
    assert {file.name for file in Path("runs/paper").iterdir()} == names


def test_log_entry_on_the_page_is_valid() -> None:
    shown = json.loads(the_code(PAGE, "json"))
    record = NumberedEntry.model_validate_json(json.dumps(shown["record"]))
    assert json.loads(seal(record.model_dump_json())) == shown
    assert isinstance(record.entry, RowsCommitted)
    assert known_schemas()[record.entry.schema_version] == record.entry.schema_sha256


def test_page_code_rebuilds_networks_from_rows(
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
        hits = (names["logits"](row, spiral.points)[:, 0] > 0) == spiral.labels
        assert hits.mean() == pytest.approx(row["accuracy"], abs=1e-4)


def test_page_code_reads_the_data_files(
    store: sparsest.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(the_code(PAGE, "python", containing="pyarrow.dataset"), {})
    assert int(capsys.readouterr().out) == len(store.sql("FROM results"))


def test_page_code_reads_replaced_data_files(
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


def test_copy_made_by_the_page_commands_is_a_store(store: sparsest.Store) -> None:
    subprocess.run(["sh", "-e", "-c", the_code(MANAGE, "sh")], check=True)
    with sparsest.open("copy") as copy:
        assert len(copy.sql("FROM results")) == len(store.sql("FROM results"))


def test_exported_database_has_the_documented_columns(store: sparsest.Store) -> None:
    options = ["--store", "runs/paper", "--format", "duckdb", "--output", "paper.duckdb"]
    ended = CliRunner().invoke(app, ["export", *options])
    assert ended.exit_code == 0, ended.output
    with duckdb.connect("paper.duckdb", read_only=True) as database:
        for view in ("results", "sweeps"):
            described = database.execute(f"DESCRIBE {view}").fetchall()
            assert [list(row[:2]) for row in described] == documented_columns(view)


@pytest.mark.parametrize("query", blocks(SQL, "sql"), ids=lambda query: query.heading)
def test_queries_return_the_stated_columns(query: Block, store: sparsest.Store) -> None:
    claim = re.match(r"Columns: ([^.]*)\.", query.following)
    assert claim is not None
    answer = store.sql(query.code).arrow()
    assert answer.column_names == re.findall(r"`(\w+)`", claim[1])
    assert answer.num_rows > 0
    # Also as text, which the database produces in a different way.
    words = ["query", query.code, "--store", "runs/paper", "--format", "jsonl"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    assert len(ended.stdout.splitlines()) == answer.num_rows
