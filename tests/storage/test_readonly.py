"""A query can only read the results; everything else is refused and leaves no trace."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from storage.errors import QueryError, ReadOnlyError, StoreError
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

_HOSTILE = [
    # Reading other files.
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_ndjson_objects('{secret}')",
    "SELECT * FROM read_parquet('/tmp/*.parquet')",
    "SELECT * FROM parquet_metadata('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '{secret}'",
    'SELECT * FROM "{secret}"',
    "FROM '{secret}'",
    "SELECT * FROM 'http://127.0.0.1:9/x.parquet'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM read_duckdb('{secret}')",
    "SELECT (SELECT content FROM read_text('{secret}'))",
    "SELECT * FROM results WHERE study IN (SELECT content FROM read_text('{secret}'))",
    "WITH x AS (SELECT * FROM read_text('{secret}')) SELECT * FROM x",
    "VALUES ((SELECT content FROM read_text('{secret}')))",
    "SELECT * FROM (SELECT 1) JOIN read_text('{secret}') ON true",
    "SELECT * FROM results, LATERAL (SELECT * FROM read_text('{secret}'))",
    "DESCRIBE SELECT * FROM read_csv('{secret}')",
    "SUMMARIZE SELECT * FROM read_text('{secret}')",
    "EXPLAIN SELECT * FROM read_text('{secret}')",
    # SQL inside text.
    "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
    "SELECT * FROM query_table('results')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    # Writing files.
    "COPY results TO '{out}'",
    "COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)",
    "WITH x AS (COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)) FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{out}') FROM x",
    "SELECT * FROM results WHERE EXISTS (WITH x AS (COPY (SELECT 1) TO '{part}') FROM x)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)",
    "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)",
    "EXPLAIN /* x */ ANALYZE COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)",
    "EXPLAIN EXPLAIN ANALYZE COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)",
    "EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)) FROM x",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{out}'",
    "SELECT * FROM enable_logging(storage_path = '{out}')",
    "SELECT 1; COPY (SELECT 1) TO '{out}'",
    # Databases, extensions, secrets.
    "ATTACH '{out}'",
    "ATTACH ':memory:' AS other",
    "DETACH memory",
    "USE memory",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1:9'",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "UPDATE EXTENSIONS",
    "CREATE SECRET s (TYPE s3)",
    "SELECT * FROM which_secret('s3://x', 's3')",
    # Changes of what later queries see.
    "CREATE TABLE t (a INT)",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW results AS SELECT 1",
    "CREATE MACRO m(a) AS a",
    "CREATE SEQUENCE s",
    "DROP VIEW results",
    "DROP TABLE sweeps",
    "ALTER VIEW results RENAME TO gone",
    "DELETE FROM sweeps",
    "INSERT INTO sweeps SELECT * FROM sweeps",
    "UPDATE sweeps SET command = 'x'",
    "TRUNCATE sweeps",
    "MERGE INTO sweeps USING sweeps AS s ON true WHEN MATCHED THEN DELETE",
    "WITH x AS (DELETE FROM sweeps RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO sweeps SELECT * FROM sweeps RETURNING *) FROM x",
    "EXPLAIN ANALYZE DELETE FROM sweeps",
    "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
    "COMMENT ON VIEW results IS 'x'",
    "SET enable_external_access = true",
    "SET allowed_paths = ['{secret}']",
    "SET VARIABLE x = 1",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "CALL enable_logging()",
    "SELECT * FROM truncate_duckdb_logs()",
    "SELECT * FROM checkpoint()",
    "CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SELECT 1; DROP VIEW results; SELECT 2",
    "SELECT nextval('s')",
    "SELECT getenv('HOME')",
    "PIVOT results ON schedule USING count(*)",
    # Not SQL.
    "",
    "   ;; ",
    "-- nothing",
    "SELEC 1",
    ".shell id",
    "\x00",
]

_READING = [
    "SELECT count(*) FROM results",
    "FROM results",
    "TABLE results",
    "VALUES (1), (2)",
    "DESCRIBE results",
    "SHOW TABLES",
    "SHOW results",
    "SUMMARIZE SELECT accuracy FROM results",
    "EXPLAIN SELECT * FROM results",
    "explain analyze select max(accuracy) from results",
    "EXPLAIN (FORMAT json) SELECT 1",
    "WITH x AS (SELECT accuracy FROM results) SELECT max(accuracy) FROM x",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) FROM n",
    "WITH x AS MATERIALIZED (FROM results) FROM x JOIN x AS y USING (experiment_id)",
    "SELECT 1 UNION SELECT 2 EXCEPT SELECT 3",
    "SELECT unnest(weights) FROM results",
    "SELECT * FROM results, unnest(weights)",
    "SELECT * FROM range(3)",
    "SELECT * FROM results ASOF JOIN sweeps ON results.sweep_id >= sweeps.sweep_id",
    "PIVOT results ON schedule IN ('cosine', 'step') USING count(*)",
    "UNPIVOT (SELECT accuracy, loss FROM results) ON accuracy, loss",
    "SELECT study, avg(accuracy) FILTER (status = 'ok') FROM results GROUP BY ALL",
    "SELECT rank() OVER (ORDER BY accuracy) FROM results QUALIFY rank() OVER () = 1",
    "SELECT 1 -- a comment",
    "SELECT * FROM information_schema.columns",
    "SELECT 'COPY x TO y; DROP TABLE z' AS harmless",
    "SELECT * FROM results USING SAMPLE 1 ROWS",
    # What the views of the catalogue show.
    "SELECT name, value FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM pg_catalog.pg_settings",
    "SELECT regexp_matches(mask1, '^1'), list_sum(weights), sqrt(loss) FROM results",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the store, with a file beside it that no query can read."""
    folder = tmp_path_factory.mktemp("readonly")
    (folder / "secret.csv").write_text("a,b\nsword,fish\n")
    return folder


@pytest.fixture(scope="module")
def reader(folder: Path) -> Iterator[StoreReader]:
    """One reader for all queries, so that each sees what the one before it changed."""
    rows = Rows()
    with StoreWriter(folder / "store") as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 0, 3)
    with StoreReader(folder / "store") as opened:
        yield opened


def _files_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("query", _HOSTILE)
def test_statement_that_does_more_than_read_is_refused(
    reader: StoreReader, folder: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.chdir(folder)
    (part,) = reader.paths.data.iterdir()
    before = _files_below(folder)
    names = {"secret": folder / "secret.csv", "out": folder / "out", "part": part}
    for name, path in names.items():
        query = query.replace("{" + name + "}", str(path))
    with pytest.raises((ReadOnlyError, QueryError)) as caught:
        reader.sql(query)
    assert "fish" not in str(caught.value)
    assert str(caught.value).strip()
    assert _files_below(folder) == before
    assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 3}]
    assert reader.sql("SELECT count(*) AS n FROM sweeps").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize("query", _READING)
def test_statement_that_reads_is_answered(reader: StoreReader, query: str) -> None:
    assert reader.sql(query).num_columns > 0


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("COPY results TO 'x'", "COPY"),
        ("DROP VIEW results", "DROP"),
        ("SELECT * FROM read_csv('x')", "read_csv"),
        ("WITH x AS (DELETE FROM sweeps RETURNING *) FROM x", "DELETE"),
        ("PIVOT results ON schedule USING count(*)", "IN"),
    ],
)
def test_refusal_names_the_forbidden_part_and_what_is_allowed(
    reader: StoreReader, query: str, named: str
) -> None:
    with pytest.raises(ReadOnlyError, match=named) as caught:
        reader.sql(query)
    assert any(word in str(caught.value) for word in ("SELECT", "unnest", "'step'"))


def test_several_statements_are_refused(reader: StoreReader) -> None:
    with pytest.raises(QueryError, match="2 statements"):
        reader.sql("SELECT 1 AS a; SELECT 2 AS b;")
    assert reader.sql("SELECT 1 AS a;; -- the end").to_pylist() == [{"a": 1}]


def test_mistake_in_a_query_is_located(reader: StoreReader) -> None:
    with pytest.raises(QueryError, match=r"accurracy") as caught:
        reader.sql("SELECT accurracy FROM results")
    assert "^" in str(caught.value)
    with pytest.raises(QueryError, match="syntax error"):
        reader.sql("SELECT FROM WHERE")
    with pytest.raises(QueryError, match="Conversion"):
        reader.sql("SELECT CAST(study AS INTEGER) FROM results")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT " + "+".join("1" * 900),
        "SELECT * FROM " + "(SELECT * FROM " * 900 + "results" + ")" * 900,
        "SELECT " + "[" * 200 + "]" * 200,
    ],
)
def test_deep_nesting_is_refused(reader: StoreReader, query: str) -> None:
    with pytest.raises(QueryError):
        reader.sql(query)


def test_variable_of_the_caller_is_not_a_table(reader: StoreReader) -> None:
    mine = reader.sql("SELECT 1 AS a")
    assert mine.num_rows == 1
    with pytest.raises(StoreError, match="mine"):
        reader.sql("SELECT * FROM mine")


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM sweeps", "CREATE TABLE t (a INT)", "DROP VIEW results", "DROP TABLE sweeps"],
)
def test_unchecked_write_to_the_tables_fails_too(
    reader: StoreReader, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("storage.reading.query.single_statement", lambda connection, text: text)
        with pytest.raises(QueryError, match="read-only"):
            reader.sql(query)
    assert reader.sql("SELECT count(*) AS n FROM sweeps").to_pylist() == [{"n": 1}]


def test_large_sort_writes_no_temporary_file(
    reader: StoreReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(os.listdir(tmp_path))
    reader.sql("SELECT i FROM range(3000000) t(i) ORDER BY hash(i)")
    (settings,) = reader.sql(
        "SELECT current_setting('temp_directory'), current_setting('python_enable_replacements')"
    ).to_pylist()
    assert list(settings.values()) == ["", False]
    assert set(os.listdir(tmp_path)) == before


def test_stored_secrets_of_the_user_are_not_listed(
    reader: StoreReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE PERSISTENT SECRET mine (TYPE http, BEARER_TOKEN 'swordfish')")
    reader.close()
    assert reader.sql("SELECT * FROM duckdb_secrets()").num_rows == 0
    assert "swordfish" not in str(reader.sql("SELECT * FROM duckdb_settings()").to_pylist())


def test_result_that_does_not_fit_into_memory_is_refused(
    reader: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.reading.query.query_memory", lambda: 2**20)
    with pytest.raises(QueryError, match="--output"):
        reader.sql("SELECT * FROM range(10000000000)")
    with reader.stream("SELECT * FROM range(10000000000)") as result:
        assert result.read_next_batch().num_rows > 0
    assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 3}]


def test_query_over_the_memory_limit_fails_with_a_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.reading.connections.query_memory", lambda: 100 * 2**20)
    with (
        StoreReader(folder / "store") as reader,
        pytest.raises(QueryError, match="sparsest verify"),
    ):
        reader.sql("SELECT list(range) FROM range(100000000)")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM range(100000000000) t(a) WHERE hash(a) % 7 = 3",
        "SELECT sleep_ms(1000000)",
        "SELECT pg_sleep(1000)",
    ],
)
def test_signal_stops_a_running_query(reader: StoreReader, query: str) -> None:
    class AlarmError(Exception):
        pass

    def ring(number: int, frame: object) -> None:
        raise AlarmError

    usual = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(AlarmError):
            reader.sql(query)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
    assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 3}]
