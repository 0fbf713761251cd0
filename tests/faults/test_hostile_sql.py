"""Hostile SQL in exports, pipes and notebooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import StoreError
from storage.export import export_results
from storage.reading.reader import StoreReader
from tests.faults.watching import contents
from tests.orchestrator.running import sparsest, train, write_sweep

HOSTILE = [
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_json_auto('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM parquet_scan('{secret}')",
    "SELECT * FROM parquet_schema('{secret}')",
    "SELECT * FROM parquet_kv_metadata('{secret}')",
    "SELECT * FROM parquet_bloom_probe('{secret}', 'a', 1)",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM '{secret}'",
    'SELECT * FROM "{secret}"',
    "SELECT * FROM '{folder}/*.parquet'",
    "SELECT * FROM 'https://127.0.0.1:9/x.csv'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM 'gs://bucket/x.parquet'",
    "SELECT * FROM 'hf://datasets/x/y.parquet'",
    "SELECT * FROM '/dev/stdin'",
    "SELECT * FROM '/proc/self/environ'",
    "SELECT getenv('PATH')",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM pragma_database_list()",
    "SELECT * FROM test_all_types()",
    "SELECT * FROM sqlite_scan('{secret}', 'a')",
    "SELECT * FROM postgres_scan('host=127.0.0.1 port=9', 'a', 'b')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('{secret}')",
    "SELECT * FROM json_execute_serialized_sql('x')",
    "COPY (SELECT 1) TO '{out}'",
    "COPY results TO '{out}' (FORMAT parquet)",
    "COPY (SELECT 1) TO PROGRAM 'touch {out}'",
    "COPY results FROM '{secret}'",
    "COPY FROM DATABASE memory TO x",
    "WITH x AS (COPY (SELECT 1) TO '{out}') FROM x",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{out}' AS x",
    "ATTACH '{secret}' (READ_ONLY)",
    "ATTACH 'https://127.0.0.1:9/x.duckdb'",
    "DETACH memory",
    "USE memory",
    "INSTALL httpfs",
    "INSTALL spatial FROM community",
    "INSTALL '{secret}'",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE PERSISTENT SECRET x (TYPE http)",
    "DROP SECRET x",
    "PRAGMA database_list",
    "PRAGMA version",
    "PRAGMA memory_limit = '1TB'",
    "SET allowed_directories = ['/']",
    "SET enable_external_access = true",
    "SET GLOBAL temp_directory = '{out}'",
    "SET home_directory = '{folder}'",
    "SET log_query_path = '{out}'",
    "SET profiling_output = '{out}'",
    "RESET allowed_paths",
    "CALL enable_logging('QueryLog')",
    "CREATE MACRO m() AS TABLE SELECT * FROM read_text('{secret}')",
    "CREATE VIEW v AS SELECT * FROM read_text('{secret}')",
    "CREATE TABLE t AS SELECT 1",
    "DROP VIEW results",
    "CHECKPOINT",
    "VACUUM",
    "SELECT 1; COPY (SELECT 1) TO '{out}'",
    "SELECT 1) TO '{out}' --",
    "SELECT 1; --",
    "",
    "\0",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sql")
    train([write_sweep(folder / "one.toml", 'structure = ["1x1x1"]')], folder / "store")
    return folder / "store"


@pytest.mark.parametrize("statement", [one for one in HOSTILE if one != "SELECT 1; --"])
def test_export_refuses_hostile_statement(statement: str, store: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("swordfish")
    paths = {"secret": tmp_path / "secret.txt", "folder": tmp_path, "out": tmp_path / "out"}
    before = contents(tmp_path), contents(store)
    with StoreReader(store) as reader:
        messages = ""
        for output in ("csv", "parquet", "duckdb"):
            file = tmp_path / f"export.{output}"
            with pytest.raises(StoreError) as caught:
                export_results(reader, output, file, statement.format(**paths))
            messages += str(caught.value)
        assert "swordfish" not in messages
        assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 1}]
    assert (contents(tmp_path), contents(store)) == before


PIPED = ["SELECT * FROM read_text('{secret}');", "COPY results TO '{out}';", "INSTALL httpfs;"]


@pytest.mark.parametrize("statement", PIPED)
def test_pipe_refuses_hostile_statement(statement: str, store: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("swordfish")
    script = statement.format(secret=tmp_path / "secret.txt", out=tmp_path / "out")
    ended = sparsest("sql", "--store", store, stdin=script)
    assert ended.code == 1
    assert "swordfish" not in ended.out + ended.err
    assert not (tmp_path / "out").exists()
