"""The command `run`: what it trains, prints, records and refuses."""

from __future__ import annotations

import json
import logging
import os
import platform
import shlex
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from orchestrator import run_store
from orchestrator import sweep as sweeps
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.errors import UserError
from storage.checking.verify import verify_store
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import (
    INLINE,
    count_rows,
    environment,
    output_of,
    query,
    refused,
    rows,
    sparsest,
    start,
    write_sweep,
)
from workers.stored_init import STORED_SHAPES


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2, 0.3]')


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def bench_file(path: Path, seed: int) -> Path:
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for layer, (outputs, inputs) in STORED_SHAPES.items():
        state[f"{layer}.weight"] = torch.rand(outputs, inputs, generator=generator) - 0.5
        state[f"{layer}.bias"] = torch.rand(outputs, generator=generator) - 0.5
    torch.save(state, path)
    return path


def test_limit_is_kept_and_the_printed_command_trains_the_rest(sweep: Path, store: Path) -> None:
    words = ("run", sweep, "--store", store, *INLINE)
    first = sparsest("run", "--limit=2", *words[1:])
    assert (first.code, first.out) == (0, "")
    assert "mine: 3 planned, 0 stored, 3 to train\n" in first.err
    assert "trains 2 of 3" in first.err
    assert "finished: 2 trained in " in first.err
    assert "left: 1 experiment; " in first.err
    assert count_rows(store) == 2

    # The printed command has no limit.
    second = sparsest(*shlex.split(first.err.splitlines()[-1])[1:])
    assert "mine: 3 planned, 2 stored, 1 to train\n" in second.err
    assert "finished: 1 trained in " in second.err
    assert "left:" not in second.err

    third = sparsest(*words)
    assert (third.code, third.out) == (0, "")
    assert "nothing to train" in third.err
    sweeps = query(store, "SELECT outcome, stored, skipped FROM sweeps").to_pylist()
    assert sweeps == [
        {"outcome": "finished", "stored": 2, "skipped": 0},
        {"outcome": "finished", "stored": 1, "skipped": 2},
    ]


def test_limit_holds_for_all_studies_together(sweep: Path, store: Path, tmp_path: Path) -> None:
    other = write_sweep(tmp_path / "other.toml", 'structure = ["2x1x1"]\nlr = [0.1, 0.2, 0.3]')
    ended = sparsest("run", sweep, other, "--store", store, "--limit", "4", "--json", *INLINE)
    summary = json.loads(ended.out)
    assert (summary["trained"], summary["left"]) == (4, 2)
    counted = query(store, "SELECT study, count(*) FROM results GROUP BY ALL ORDER BY ALL")
    assert [tuple(row.values()) for row in counted.to_pylist()] == [("mine", 3), ("other", 1)]


def test_sample_is_a_part_that_resumes_and_grows(sweep: Path, store: Path, tmp_path: Path) -> None:
    other = write_sweep(tmp_path / "other.toml", 'structure = ["2x1x1"]\nlr = [0.1, 0.2, 0.3]')
    words = (sweep, other, "--store", store)

    def trained(count: int) -> tuple[int, set[str]]:
        summary = json.loads(sparsest("run", *words, "--sample", str(count), "--json", *INLINE).out)
        ids = query(store, "SELECT experiment_id FROM results").column(0).to_pylist()
        return summary["trained"], set(ids)

    first, few = trained(2)
    again, same = trained(2)
    rest, more = trained(4)
    assert (first, again, rest) == (2, 0, 2)
    assert few == same < more
    left = json.loads(sparsest("plan", *words, "--sample", "5", "--json").out)["studies"]
    assert sum(study["planned"] for study in left) == 5
    assert sum(study["remaining"] for study in left) == 1
    assert trained(7)[0] == 2


def test_condition_chooses_experiments(sweep: Path, store: Path, tmp_path: Path) -> None:
    other = write_sweep(tmp_path / "other.toml", 'structure = ["2x1x1"]\nlr = [0.1, 0.2, 0.3]')
    words = (sweep, other, "--store", store, "--where", "study = 'other' AND lr > 0.15 -- fast")
    (planned,) = json.loads(sparsest("plan", *words, "--json").out)["studies"]
    assert (planned["study"], planned["planned"]) == ("other", 2)
    summary = json.loads(sparsest("run", *words, "--json", *INLINE).out)
    assert (summary["trained"], summary["left"]) == (2, 0)
    rates = query(store, "SELECT lr FROM results ORDER BY lr").column(0).to_pylist()
    assert rates == [0.2, 0.3]
    for condition in ("lr = 0.1", "d1 = 2 AND mask1 IS NULL AND parent IS NULL AND lr < 0.15"):
        listed = sparsest("list", other, "--where", condition).out.splitlines()
        assert [line.split("\t")[0] for line in listed] == ["other:1"]
    one = json.loads(sparsest("plan", *words, "--sample", "1", "--json").out)["studies"]
    assert sum(study["planned"] for study in one) == 1


@pytest.mark.parametrize("condition", ["lr > 9", "accuracy > 0.9", "lr > ", "true); SELECT (1"])
def test_condition_that_chooses_nothing_is_refused(
    sweep: Path, store: Path, condition: str
) -> None:
    ended = sparsest("run", sweep, "--store", store, "--where", condition, *INLINE)
    assert ended.code != 0
    assert "Traceback" not in ended.err
    assert not store.exists()


def test_summary_is_of_this_run(sweep: Path, store: Path) -> None:
    words = ("run", sweep, "--store", store, "--json", *INLINE)
    summary = json.loads(sparsest(*words).out)
    assert summary["outcome"] == "finished"
    assert (summary["trained"], summary["left"], summary["workers"]) == (3, 0, 1)
    assert 0 < summary["training_share"] <= 1
    assert summary["store"] == str(store)
    again = json.loads(sparsest(*words).out)
    assert (again["trained"], again["left"], again["training_share"]) == (0, 0, 0.0)


def test_sweep_is_recorded(sweep: Path, store: Path) -> None:
    sparsest("run", sweep, "--store", store, "--root-seed", "5", *INLINE)
    (record,) = query(store, "SELECT * FROM sweeps").to_pylist()
    assert record["studies"] == ["mine"]
    assert dict(record["sweep_files"]).keys() == {"mine"}
    assert (record["root_seed"], record["workers"], record["device"]) == (5, 1, "cpu")
    assert (record["host"], record["rows_logged"]) == (platform.node(), 3)
    assert query(store, "SELECT DISTINCT root_seed FROM results").to_pylist() == [{"root_seed": 5}]
    log = store.with_name("store.log").read_text()
    assert f"sweep {record['sweep_id']}: finished, 3 stored" in log
    logged = datetime.fromisoformat(log.split()[0])
    assert timedelta() <= datetime.now(UTC) - logged < timedelta(minutes=10)


def test_another_root_seed_gives_other_networks(sweep: Path, store: Path) -> None:
    for seed in ("0", "1"):
        assert sparsest("run", sweep, "--store", store, "--root-seed", seed, *INLINE).code == 0
    assert count_rows(store) == 6
    assert len(set(rows(store).column("loss").to_pylist())) == 6


def test_each_run_logs_to_its_own_file(sweep: Path, tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    for name in ("one", "two"):
        sparsest("run", sweep, "--store", tmp_path / name, *INLINE)
    assert logging.getLogger().handlers == before
    assert (tmp_path / "one.log").read_text().count("to train") == 1


def test_command_line_runs_from_a_checkout(sweep: Path, store: Path) -> None:
    with start("orchestrator.cli", "run", sweep, "--store", store, *INLINE) as command:
        out, err = output_of(command)
    assert command.returncode == 0
    assert out == ""
    assert "trained 3 of 3; " in err
    assert "Traceback" not in err
    assert count_rows(store) == 3
    assert verify_store(store) == []


def test_failing_sweep_is_recorded_as_failed(
    sweep: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object) -> None:
        raise UserError("6 tasks failed")

    monkeypatch.setattr(sweeps, "drive", fails)
    assert "6 tasks failed" in refused_after_start("run", sweep, "--store", store, *INLINE)
    assert query(store, "SELECT outcome FROM sweeps").to_pylist() == [{"outcome": "failed"}]


def refused_after_start(*words: str | Path) -> str:
    ended = sparsest(*words)
    assert (ended.code, ended.out) == (1, "")
    assert "error: " in ended.err
    return ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["phse1"], "did you mean 'phase1'?"),
        (["none.toml"], "none.toml: cannot be read: No such file"),
        (["fixed95-phase2"], "155,952"),
        (["fixed95-phase2"], "--from-published"),
        (["fixed95-phase1", "fixed995-phase1"], "--bench-95 FILE and --bench-995 FILE"),
        (["fixed95-phase1", "phase2-995"], "phase2-95)"),
        (["phase1", "--workers", "2"], "leave --workers out"),
        (["phase1", "--address", "a:1"], "leave --address out"),
        (["fixed95-phase1", "--bench-95", "none"], "--bench-95 none"),
        (["fixed95-phase1", "--bench-95", __file__], __file__),
        (["fixed95-phase1", "--bench-95", "/"], "--bench-95 /"),
    ],
)
def test_mistake_is_refused_before_a_store_is_made(
    words: list[str], message: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused("run", *words, "--store", store, *INLINE)
    assert not store.exists()
    assert not store.with_name("store.log").exists()


def test_unknown_key_is_refused_with_the_allowed_ones(tmp_path: Path, store: Path) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]\nlearning_rate = [0.1]')
    message = refused("run", sweep, "--store", store, *INLINE)
    assert "'learning_rate'" in message
    assert "dataset, structure" in message


def test_unknown_method_is_refused_with_the_similar_name(tmp_path: Path, store: Path) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", 'method = ["imp", "SynFlow"]\ntarget_nnz = [20]')
    message = refused("run", sweep, "--store", store, *INLINE)
    assert "'gmp'" in message
    assert "'synflow'" in message


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu_is_refused(sweep: Path, store: Path) -> None:
    message = refused("run", sweep, "--store", store, "--device", "cuda", "--executor", "inline")
    assert "--device cuda" in message
    assert not store.exists()


def test_cluster_that_is_down_ends_the_run(
    sweep: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO",
        "RAY_AUTH_MODE",
        "RAY_NUM_REDIS_GET_RETRIES",
    ):
        monkeypatch.setenv(name, "")  # restored after the test
        monkeypatch.delenv(name)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    ended = sparsest("run", sweep, "--store", store, "--device", "cpu", "--address", address)
    assert ended.code == 1
    assert f"cannot join Ray at {address}" in ended.err


def test_file_or_foreign_folder_is_refused_as_a_store(sweep: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    assert str(file) in refused("run", sweep, "--store", file, *INLINE)
    message = refused("run", sweep, "--store", folder, *INLINE)
    assert "thesis.tex" in message
    for command in (["status"], ["query", "SELECT 1"], ["plan", "phase1"]):
        assert str(folder) in refused(*command, "--store", folder)
        assert str(file) in refused(*command, "--store", file)
    assert file.read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    assert not list(tmp_path.glob("*.log"))


def test_log_file_that_cannot_be_written_is_named(sweep: Path, store: Path) -> None:
    store.with_name("store.log").mkdir()
    message = refused("run", sweep, "--store", store, *INLINE)
    assert f"{store}.log: Is a directory" in message


def test_second_writer_is_refused_and_readers_are_not(sweep: Path, store: Path) -> None:
    with StoreWriter(store, command="sparsest run phase1"):
        message = refused("run", sweep, "--store", store, *INLINE)
        assert f"process {os.getpid()} on {platform.node()} (sparsest run phase1)" in message
        assert sparsest("status", "--store", store).code == 0
        assert sparsest("query", "SELECT count(*) FROM results", "--store", store).code == 0
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0


def test_store_has_one_initialisation_of_a_name(store: Path, tmp_path: Path) -> None:
    first, second = bench_file(tmp_path / "A", 1), bench_file(tmp_path / "B", 2)
    words = ("run", "fixed95-phase1", "--store", store, "--limit", "1", *INLINE)
    assert sparsest(*words, "--bench-95", first).code == 0
    message = refused(*words, "--bench-95", second)
    assert "this store's bench-95 is " in message
    assert "leave --bench-95 out" in message
    assert count_rows(store) == 1

    # The store has recorded it.
    ended = sparsest(*words)
    assert ended.code == 0
    assert "fixed95-phase1: 558 planned, 1 stored, 557 to train\n" in ended.err
    assert sparsest(*words, "--bench-95", first).code == 0
    inits = query(store, "SELECT DISTINCT init FROM results").column(0).to_pylist()
    assert len(inits) == 1
    assert inits[0].startswith("bench-95:")
    out = sparsest("plan", "fixed95-phase1", "--store", store).out
    assert out.splitlines()[1].split()[:4] == ["fixed95-phase1", "558", "3", "555"]


def test_torch_file_with_other_tensors_is_refused(store: Path, tmp_path: Path) -> None:
    torch.save({"first_layer.weight": torch.zeros(16, 2)}, tmp_path / "half")
    words = ("run", "fixed95-phase1", "--store", store, *INLINE)
    message = refused(*words, "--bench-95", tmp_path / "half")
    assert f"--bench-95 {tmp_path / 'half'}: " in message
    assert not store.exists()


def test_experiments_are_chosen_by_their_numbers(store: Path) -> None:
    words = ("run", "phase1", "fixed95-phase2", "--run-id", "18960", "--run-id", "18957")
    ended = sparsest(*words, "--store", store, *INLINE)
    assert ended.code == 0, ended
    rows = query(store, "SELECT study, paper_run_id FROM results ORDER BY ALL").to_pylist()
    assert rows == [{"study": "phase1", "paper_run_id": number} for number in (18957, 18960)]


def test_unknown_number_is_refused_with_the_available_ones(store: Path) -> None:
    message = refused("run", "phase1", "--run-id", "7", "--store", store, *INLINE)
    assert "number 7" in message
    assert "18955 to 43530" in message
    assert not store.exists()


def test_numbers_of_a_slice_are_abbreviated(store: Path) -> None:
    message = refused("run", "demo", "--run-id", "7", "--store", store, *INLINE)
    assert "18955, 18978, 19001, ..., 43519" in message


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--limit", "-5", "from 1 to"),
        ("--workers", "0", "from 1 to"),
        ("--run-id", "x", "from 1 to"),
    ],
)
def test_number_out_of_range_is_refused_with_what_is_allowed(
    option: str, value: str, allowed: str, sweep: Path, store: Path
) -> None:
    ended = sparsest("run", sweep, "--store", store, option, value)
    assert ended.code == 2
    assert option in ended.err
    assert value in ended.err
    assert allowed in ended.err
    assert not store.exists()


def test_small_run_is_trained_without_ray(sweep: Path, store: Path) -> None:
    ended = sparsest("run", sweep, "--store", store, "--device", "cpu", "--json")
    assert ended.code == 0, ended.err
    assert "Ray" not in ended.err
    assert json.loads(ended.out)["workers"] == 1
    (record,) = query(store, "SELECT device FROM sweeps").to_pylist()
    assert record == {"device": "cpu"}


@pytest.mark.parametrize(
    "words",
    [
        ["phase1", "--limit", "3", "--workers", "1"],
        ["phase1", "--limit", "3", "--executor", "ray"],
        ["phase1"],
    ],
)
def test_ray_is_announced_and_started_for_large_runs_or_on_request(
    words: list[str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(options: ExecutorOptions, inits: object) -> None:
        assert options.choice == "ray"
        raise UserError("this far")

    monkeypatch.setattr(sweeps, "make_executor", started)
    ended = sparsest("run", *words, "--store", store, "--device", "cpu")
    assert "starting Ray" in ended.err
    assert "this far" in ended.err


def test_retry_is_announced_together_with_what_is_missing(
    sweep: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverging = write_sweep(
        sweep.with_name("other.toml"), 'structure = ["1x1x1"]\nlr = [1e30, 0.1]'
    )
    words = ("run", diverging, "--store", store, *INLINE)
    assert sparsest(*words, "--limit", "1").code == 0
    ended = sparsest(*words, "--retry", "diverged")
    assert "1 row with status diverged" in ended.err
    assert "2 to train" in ended.err
    assert count_rows(store) == 2


def test_store_is_opened_once_for_writing_and_once_for_reading(
    sweep: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def counting(name: str, kind: type) -> Any:
        def make(*words: Any, **named: Any) -> Any:
            opened.append(name)
            return kind(*words, **named)

        return make

    sparsest("run", sweep, "--store", store, "--limit", "1", *INLINE)
    monkeypatch.setattr(run_store, "StoreWriter", counting("writer", StoreWriter))
    monkeypatch.setattr(run_store, "StoreReader", counting("reader", StoreReader))
    assert sparsest("run", sweep, "--store", store, "--json", *INLINE).code == 0
    assert opened == ["writer", "reader"]


def test_loss_of_standard_error_does_not_end_a_run(sweep: Path, store: Path) -> None:
    """As with `sparsest run ... 2>&1 | grep -m1 planned`."""
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "orchestrator.cli", "run", str(sweep), "--store", str(store)]
    ended = subprocess.run([*words, *INLINE], env=environment(), stderr=write, check=False)
    os.close(write)
    assert ended.returncode == 0
    assert count_rows(store) == 3
    assert "standard error" in store.with_name("store.log").read_text()


def test_closed_standard_streams_do_not_end_a_run(sweep: Path, store: Path) -> None:
    words = [sys.executable, "-m", "orchestrator.cli", "run", str(sweep), "--store", str(store)]
    command = f"exec {shlex.join([*words, *INLINE])} <&- >&- 2>&-"
    ended = subprocess.run(["sh", "-c", command], env=environment(), check=False)
    assert ended.returncode == 0
    assert count_rows(store) == 3
    assert verify_store(store) == []
