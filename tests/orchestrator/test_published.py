"""Publishing a store, querying published results, and starting a store from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sparsest as notebook
from analysis.retrain import NotTheSame, WeightsNotStored
from orchestrator import from_published
from orchestrator.commands import results
from search.paper import PAPER_STUDIES, paper_study
from storage.log.init_entries import FoundNetwork
from storage.published.file import open_published
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import INLINE, query, refused, sparsest, write_sweep
from tests.orchestrator.test_run import bench_file
from workers.stored_init import remade_init

WORDS = ("phase2-95", "--run-id", "43531", "--run-id", "100001", "--run-id", "150002")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three rows of phase2-95; tests only read it."""
    store = tmp_path_factory.mktemp("published") / "store"
    assert sparsest("run", *WORDS, "--store", store, *INLINE).code == 0
    return store


@pytest.fixture(scope="module")
def folder(trained: Path) -> Path:
    """The folder with these rows published; tests only read it."""
    folder = trained.parent / "results"
    ended = sparsest("publish", "--store", trained, "--output", folder)
    assert ended.code == 0, ended
    assert f"{folder / 'phase2-95.parquet'}: 3 of 155,952 rows" in ended.out
    return folder


@pytest.fixture(autouse=True)
def locations(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands use this folder and the cache of the test."""
    monkeypatch.setenv("SPARSEST_RESULTS", str(folder))
    for command in (results, from_published):
        monkeypatch.setattr(command, "cache_folder", lambda: cache)
    monkeypatch.setattr("analysis.store.cache_folder", lambda: cache)


def test_study_of_the_project_is_published_without_joining_the_paper_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("depth-ablation", "--run-id", "2416", "--store")  # SNIP from one layer of 51
    assert sparsest("run", *words, tmp_path / "first", *INLINE).code == 0
    output = tmp_path / "results"
    ended = sparsest("publish", "depth-ablation", "--store", tmp_path / "first", "--output", output)
    assert "1 of 55,890 rows" in ended.out
    monkeypatch.setenv("SPARSEST_RESULTS", str(output))
    again = sparsest("run", *words, tmp_path / "second", "--from-published", *INLINE)
    assert "depth-ablation: 1 row taken" in again.err
    assert "nothing to train" in again.err
    statement = "SELECT experiment_id, structure, accuracy, layers FROM results"
    rows = query(tmp_path / "second", statement).to_pylist()
    assert rows == query(tmp_path / "first", statement).to_pylist()
    assert rows[0]["layers"] == [2, 51, 1]
    assert "no published results" in refused("query", "FROM results", "--published").lower()


def test_published_rows_can_be_exported(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    ended = sparsest("export", "--published", "--format", "csv", "--output", file)
    assert (ended.code, ended.out) == (0, "")
    assert "3 rows" in ended.err
    printed = sparsest("query", "FROM results", "--published", "--format", "csv").out
    assert file.read_text() == printed
    message = refused("export", "--format", "csv", "--output", tmp_path / "no.csv")
    assert "--store D" in message


def test_several_statements_are_refused() -> None:
    ended = sparsest("query", "FROM sweeps; FROM results", "--published")
    assert (ended.code, ended.out) == (1, "")
    assert "2 statements" in ended.err


def test_published_rows_are_queried_like_a_store(trained: Path) -> None:
    statement = "SELECT experiment_id, accuracy, mask2 FROM results ORDER BY study_index"
    ended = sparsest("query", statement, "--published", "--format", "csv")
    assert ended.out == sparsest("query", statement, "--store", trained, "--format", "csv").out
    assert "3 published rows" in ended.err
    assert "3 published rows" not in sparsest("query", "FROM sweeps", "--published").err
    assert sparsest(
        "sql", "--published", stdin="SELECT count(*) AS n FROM results"
    ).out.split() == [
        "n",
        "3",
    ]


def test_exactly_one_source_must_be_named(trained: Path) -> None:
    assert "--published" in refused("query", "FROM results", "--published", "--store", trained)
    assert "--published" in refused("query", "FROM results")
    assert "--published" in refused("sql")


def test_published_rows_of_every_study_are_named_by_their_number() -> None:
    assert "exchange" not in PAPER_STUDIES
    assert results.studies_of(["exchange:713", "874be1"]) == (*PAPER_STUDIES, "exchange")
    with pytest.raises(ValueError, match="'exchange'"):
        notebook.open_published(studies=["exchnge"])


def test_missing_results_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPARSEST_RESULTS", str(tmp_path))
    assert "SPARSEST_RESULTS" in refused("query", "FROM results", "--published")
    message = refused("run", "phase1", "--from-published", "--store", tmp_path / "s", *INLINE)
    assert "phase1" in message
    assert not (tmp_path / "s").exists()


def test_run_takes_published_rows_instead_of_training(trained: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    ended = sparsest("run", *WORDS, "--from-published", "--store", store, *INLINE)
    assert ended.code == 0
    assert "phase2-95: 3 rows taken" in ended.err
    assert "nothing to train" in ended.err
    columns = "* EXCLUDE (sweep_id, train_ms, weight_index, weights, bias_index, biases)"
    statement = f"SELECT {columns} FROM results ORDER BY study_index"
    assert query(store, statement).to_pylist() == query(trained, statement).to_pylist()
    assert query(store, "SELECT count(weights) AS n FROM results").to_pylist() == [{"n": 0}]
    (sweep,) = query(store, "FROM sweeps").to_pylist()
    (made,) = query(trained, "FROM sweeps").to_pylist()
    assert (sweep["device"], sweep["workers"], sweep["rows_logged"]) == ("published", 0, 3)
    assert (sweep["processor"], sweep["versions"]) == (made["processor"], made["versions"])
    assert "0 rows taken" in sparsest("run", *WORDS, "--from-published", "--store", store).err
    assert len(query(store, "FROM sweeps")) == 1


def test_imported_rows_can_be_published_again(tmp_path: Path, folder: Path) -> None:
    store, again = tmp_path / "store", tmp_path / "again"
    sparsest("run", *WORDS, "--from-published", "--store", store, *INLINE)
    assert sparsest("publish", "phase2-95", "--store", store, "--output", again).code == 0
    first, second = (open_published(source, "phase2-95") for source in (folder, again))
    assert first is not None
    assert second is not None
    columns = [name for name in first.rows().column_names if name != "sweep_id"]
    assert first.rows().select(columns) == second.rows().select(columns)
    made = [file.note.sweeps[0].begin for file in (first, second)]
    assert made[0].processor == made[1].processor
    assert made[0].versions == made[1].versions


def test_unpublished_rows_are_trained(tmp_path: Path) -> None:
    store = tmp_path / "store"
    more = ("phase2-95", "--run-id", "43531", "--run-id", "43532")
    ended = sparsest("run", *more, "--from-published", "--store", store, *INLINE)
    assert "1 row taken" in ended.err
    assert "1 to train" in ended.err
    found = query(store, "SELECT paper_run_id, weights IS NULL AS taken FROM results ORDER BY 1")
    assert [row["taken"] for row in found.to_pylist()] == [True, False]


def test_rows_of_another_root_seed_are_refused(tmp_path: Path) -> None:
    words = ("run", *WORDS, "--from-published", "--root-seed", "7", "--store", tmp_path / "store")
    assert "root seed is 0" in refused(*words, *INLINE)
    assert not (tmp_path / "store").exists()


def test_sweep_file_cannot_be_published(trained: Path, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["2x2x2"]')
    message = refused("publish", sweep, "--store", trained, "--output", tmp_path / "out")
    assert "sparsest export" in message


def test_study_without_rows_is_refused(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "no rows of phase1" in refused("publish", "phase1", "--store", trained, "--output", out)
    none = refused("publish", "--root-seed", "9", "--store", trained, "--output", out)
    assert "root seed 9" in none


def test_published_network_is_retrained_to_its_accuracy(folder: Path) -> None:
    study = paper_study("phase2-95")
    wanted = study[100_001 - study.first_run_id].experiment_id
    with notebook.open_published(folder) as published:
        with pytest.raises(WeightsNotStored, match="retrain=True"):
            published.network(wanted)
        row = published.row(wanted)
        spiral = notebook.load_dataset(row["dataset"])
        again = notebook.accuracy(published.network(wanted, retrain=True), spiral)
    assert again == pytest.approx(row["accuracy"], abs=2.5 / len(spiral))


def test_network_that_retrains_differently_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with notebook.open_published(folder) as published:
        row = published.sql("SELECT * FROM results LIMIT 1").arrow().to_pylist()[0]
        changed = row | {"accuracy": row["accuracy"] + 1e-9}
        monkeypatch.setattr(published, "row", lambda experiment_id: changed)
        with pytest.raises(NotTheSame, match="accuracy"):
            published.network(row["experiment_id"], retrain=True)


@pytest.fixture
def fixed(tmp_path: Path) -> Path:
    """A folder of one published row of fixed95-phase1, from the initialisation in the file A."""
    words = ("fixed95-phase1", "--run-id", "9721", "--bench-95", bench_file(tmp_path / "A", 1))
    assert sparsest("run", *words, "--store", tmp_path / "made", *INLINE).code == 0
    out = tmp_path / "fixed"
    assert sparsest("publish", "--store", tmp_path / "made", "--output", out).code == 0
    return out


def test_rows_of_another_initialisation_are_refused(
    fixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSEST_RESULTS", str(fixed))
    words = ("run", "fixed95-phase1", "--run-id", "9721", "--from-published", *INLINE)
    store = tmp_path / "store"
    message = refused(*words, "--store", store)
    assert "came from a file that is not published: give it with --bench-95 FILE" in message
    other = refused(*words, "--store", store, "--bench-95", bench_file(tmp_path / "B", 2))
    assert "these are different experiments" in other
    assert not store.exists()
    ended = sparsest(*words, "--store", store, "--bench-95", tmp_path / "A")
    assert "1 row taken" in ended.err
    with StoreReader(store) as reader:
        assert list(reader.state.inits) == ["bench-95"]


def test_initialisation_of_the_search_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = "random:43533"
    init = remade_init("bench-95", label, 0)
    found = FoundNetwork(
        experiment_id="0" * 32,
        label=label,
        study="phase2-95",
        root_seed=0,
        structure="3x3x3",
        masks=[],
        accuracy=0.96,
        weight_nnz=27,
        model_nnz=37,
        target=0.95,
        reached=1,
        trained=1,
    )
    made, out = tmp_path / "made", tmp_path / "out"
    with StoreWriter(made) as writer:
        writer.record_init(init.name, init.digest, init.layers, found)
    words = ("fixed95-phase1", "--run-id", "9721")
    assert sparsest("run", *words, "--store", made, *INLINE).code == 0
    assert sparsest("publish", "fixed95-phase1", "--store", made, "--output", out).code == 0
    monkeypatch.setenv("SPARSEST_RESULTS", str(out))
    store = tmp_path / "store"
    ended = sparsest("run", *words, "--from-published", "--store", store, *INLINE)
    assert "1 row taken" in ended.err
    with StoreReader(store) as reader:
        assert reader.state.inits["bench-95"].digest == init.digest
        assert reader.state.inits["bench-95"].found == found
    with notebook.open_published() as published:
        experiment = published.experiments().arrow().to_pylist()[0]["experiment_id"]
        assert published.network(experiment, retrain=True) is not None


def test_store_cannot_be_compared_with_what_was_published(trained: Path, tmp_path: Path) -> None:
    ended = sparsest("diff", trained, "--published")
    assert ended.code == 0
    assert "lacking: only one of the two rows has weight_index (3)" in ended.out
    store = tmp_path / "store"
    sparsest("run", "phase2-95", "--run-id", "43531", "--store", store, *INLINE)
    ended = sparsest("diff", store, "--published", "--study", "phase2-95", "--json")
    assert ended.code == 1
    report = json.loads(ended.out)
    assert (report["only_b"], report["lacking"], report["different"]) == (2, 1, 0)
