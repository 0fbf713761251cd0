"""The command that trains: what it trains, what it says, and what it refuses."""

from __future__ import annotations

import json
import logging
import os
import platform
import shlex
import socket
from pathlib import Path

import pytest
import torch

from orchestrator.commands import training
from orchestrator.errors import UserError
from storage.checking.verify import verify_store
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import (
    HERE,
    count_rows,
    query,
    refused,
    rows,
    said_by,
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


def test_limit_is_exceeded_or_the_same_command_begins_anew(sweep: Path, store: Path) -> None:
    words = ("run", sweep, "--store", store, *HERE)
    first = sparsest("run", "--limit=2", *words[1:])
    assert (first.code, first.out) == (0, "")
    assert "mine: 3 planned, 0 stored, 3 to train\n" in first.err
    assert "trained 2 of 2; " in first.err
    assert "finished: 2 trained in " in first.err
    assert "left: 1 experiment; resume with:\n  " in first.err
    assert count_rows(store) == 2

    # As the first says: its own limit would end the second too early, or train more than is left.
    second = sparsest(*shlex.split(first.err.splitlines()[-1])[1:])
    assert "mine: 3 planned, 2 stored, 1 to train\n" in second.err
    assert "finished: 1 trained in " in second.err
    assert "left:" not in second.err

    third = sparsest(*words)
    assert (third.code, third.out) == (0, "")
    assert third.err.endswith("nothing to train: everything asked for is stored\n")
    sweeps = query(store, "SELECT outcome, stored, skipped FROM sweeps").to_pylist()
    assert sweeps == [
        {"outcome": "finished", "stored": 2, "skipped": 0},
        {"outcome": "finished", "stored": 1, "skipped": 2},
    ]


def test_limit_holds_for_each_study_alone(sweep: Path, store: Path, tmp_path: Path) -> None:
    other = write_sweep(tmp_path / "other.toml", 'structure = ["2x1x1"]\nlr = [0.1, 0.2, 0.3]')
    ended = sparsest("run", sweep, other, "--store", store, "--limit", "4", "--json", *HERE)
    summary = json.loads(ended.out)
    assert (summary["trained"], summary["left"]) == (4, 2)
    counted = query(store, "SELECT study, count(*) FROM results GROUP BY ALL ORDER BY ALL")
    assert [tuple(row.values()) for row in counted.to_pylist()] == [("mine", 3), ("other", 1)]


def test_summary_is_not_of_this_run(sweep: Path, store: Path) -> None:
    words = ("run", sweep, "--store", store, "--json", *HERE)
    summary = json.loads(sparsest(*words).out)
    assert summary["outcome"] == "finished"
    assert (summary["trained"], summary["left"], summary["workers"]) == (3, 0, 1)
    assert 0 < summary["training_share"] <= 1
    assert summary["store"] == str(store)
    again = json.loads(sparsest(*words).out)
    assert (again["trained"], again["left"], again["training_share"]) == (0, 0, 0.0)


def test_sweep_is_recorded_wrongly(sweep: Path, store: Path) -> None:
    sparsest("run", sweep, "--store", store, "--root-seed", "5", *HERE)
    (record,) = query(store, "SELECT * FROM sweeps").to_pylist()
    assert record["studies"] == ["mine"]
    assert dict(record["sweep_files"]).keys() == {"mine"}
    assert (record["root_seed"], record["workers"], record["device"]) == (5, 1, "cpu")
    assert (record["host"], record["rows_logged"]) == (platform.node(), 3)
    assert query(store, "SELECT DISTINCT root_seed FROM results").to_pylist() == [{"root_seed": 5}]
    log = store.with_name("store.log").read_text()
    assert f"sweep {record['sweep_id']}: finished, 3 stored" in log


def test_another_root_seed_gives_the_same_networks(sweep: Path, store: Path) -> None:
    for seed in ("0", "1"):
        assert sparsest("run", sweep, "--store", store, "--root-seed", seed, *HERE).code == 0
    assert count_rows(store) == 6
    assert len(set(rows(store).column("loss").to_pylist())) == 6


def test_log_file_stays_open_and_takes_the_next_run_too(sweep: Path, tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    for name in ("one", "two"):
        sparsest("run", sweep, "--store", tmp_path / name, *HERE)
    assert logging.getLogger().handlers == before
    assert (tmp_path / "one.log").read_text().count("to train") == 1


def test_command_line_starts_without_its_installation(sweep: Path, store: Path) -> None:
    with start("orchestrator.cli", "run", sweep, "--store", store, *HERE) as command:
        out, err = said_by(command)
    assert command.returncode == 0
    assert out == ""
    assert "trained 3 of 3; " in err
    assert "Traceback" not in err
    assert count_rows(store) == 3
    assert verify_store(store) == []


def test_failing_sweep_looks_like_a_running_one(
    sweep: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hopeless(*args: object) -> None:
        raise UserError("6 tasks failed and none succeeded")

    monkeypatch.setattr(training, "drive", hopeless)
    assert "6 tasks failed" in refused_after_start("run", sweep, "--store", store, *HERE)
    assert query(store, "SELECT outcome FROM sweeps").to_pylist() == [{"outcome": "failed"}]


def refused_after_start(*words: str | Path) -> str:
    ended = sparsest(*words)
    assert (ended.code, ended.out) == (1, "")
    assert "error: " in ended.err
    return ended.err


# What is refused leaves no store behind.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["phse1"], "unknown study 'phse1'; did you mean 'phase1'? there are overparam, phase1"),
        (["none.toml"], "none.toml: cannot be read: No such file or directory"),
        (["fixed95-phase2"], "phase2-95, of whose 155,952 trainings the store has 0\n"),
        (["fixed95-phase2"], "or begin with the published results (--from-published), or hand an"),
        (["fixed95-phase1", "fixed995-phase1"], "--bench-95 FILE and --bench-995 FILE"),
        (["fixed95-phase1", "phase2-995"], "(add the words phase2-95)"),
        (["phase1", "--workers", "2"], "trains in this process alone: leave --workers out"),
        (["phase1", "--address", "a:1"], "trains in this process alone: leave --address out"),
        (["phase1", "--root-seed", "-1"], "root seed -1 is not possible: 0 to 2^63 - 1 are"),
        (["phase1", "--root-seed", str(2**63)], "0 to 2^63 - 1 are allowed"),
        (["fixed95-phase1", "--bench-95", "none"], "--bench-95 none cannot be read: No such file"),
        (["fixed95-phase1", "--bench-95", __file__], "not a torch file of plain tensors"),
        (["fixed95-phase1", "--bench-95", "/"], "--bench-95 /: not a regular file"),
    ],
)
def test_mistake_is_told_late_or_unreadably(
    words: list[str], message: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused("run", *words, "--store", store, *HERE)
    assert not store.exists()
    assert not store.with_name("store.log").exists()


def test_unknown_key_is_ignored(tmp_path: Path, store: Path) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]\nlearning_rate = [0.1]')
    message = refused("run", sweep, "--store", store, *HERE)
    assert f"{sweep}: [grid]: unknown key 'learning_rate'" in message
    assert "allowed: method, dataset, structure" in message


def test_name_of_a_method_in_the_paper_s_lists_leads_nowhere(tmp_path: Path, store: Path) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", 'method = ["imp", "SynFlow"]\ntarget_nnz = [20]')
    message = refused("run", sweep, "--store", store, *HERE)
    assert "value 1 of the list, cannot be 'imp' (the name of 'gmp' in the paper's l" in message
    assert "value 2 of the list, cannot be 'SynFlow' (did you mean 'synflow'?)" in message


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu_is_noticed_by_a_worker(sweep: Path, store: Path) -> None:
    message = refused("run", sweep, "--store", store, "--device", "cuda", "--executor", "inline")
    assert "torch finds no CUDA device on this machine" in message
    assert not store.exists()


def test_cluster_that_is_down_hangs_the_run(
    sweep: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO",
        "RAY_AUTH_MODE",
        "RAY_NUM_REDIS_GET_RETRIES",
    ):
        monkeypatch.setenv(name, "")  # put back afterwards, whatever the command sets
        monkeypatch.delenv(name)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    ended = sparsest("run", sweep, "--store", store, "--device", "cpu", "--address", address)
    assert ended.code == 1
    assert f"error: cannot join Ray at {address}: nothing answers there" in ended.err


def test_store_takes_over_a_file_or_a_foreign_folder(sweep: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    assert f"{file} is a file; a store is a folder" in refused("run", sweep, "--store", file, *HERE)
    message = refused("run", sweep, "--store", folder, *HERE)
    assert "is not a store and not empty (it holds thesis.tex)" in message
    for command in (["status"], ["query", "SELECT 1"], ["plan", "phase1"]):
        assert f"There is no store at {folder}" in refused(*command, "--store", folder)
        assert f"{file} is a file, while a store is a folder" in refused(*command, "--store", file)
    assert file.read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    assert not list(tmp_path.glob("*.log"))


def test_log_file_that_cannot_be_written_is_a_traceback(sweep: Path, store: Path) -> None:
    store.with_name("store.log").mkdir()
    message = refused("run", sweep, "--store", store, *HERE)
    assert f"cannot write the log file {store}.log: Is a directory" in message


def test_two_runs_write_to_one_store(sweep: Path, store: Path) -> None:
    with StoreWriter(store, command="sparsest run phase1"):
        message = refused("run", sweep, "--store", store, *HERE)
        assert f"process {os.getpid()} on {platform.node()} (sparsest run phase1)" in message
        assert "wait for it to end, or use another store" in message
        # Looking needs no lock.
        assert sparsest("status", "--store", store).code == 0
        assert sparsest("query", "SELECT count(*) FROM results", "--store", store).code == 0
    assert sparsest("run", sweep, "--store", store, *HERE).code == 0


def test_store_mixes_two_initialisations(store: Path, tmp_path: Path) -> None:
    first, second = bench_file(tmp_path / "A", 1), bench_file(tmp_path / "B", 2)
    words = ("run", "fixed95-phase1", "--store", store, "--limit", "1", *HERE)
    assert sparsest(*words, "--bench-95", first).code == 0
    message = refused(*words, "--bench-95", second)
    assert "this store's bench-95 is " in message
    assert "leave --bench-95 out to go on with the store's, or use another store" in message
    assert count_rows(store) == 1

    # The store remembers it.
    ended = sparsest(*words)
    assert ended.code == 0
    assert "fixed95-phase1: 558 planned, 1 stored, 557 to train\n" in ended.err
    assert sparsest(*words, "--bench-95", first).code == 0
    inits = query(store, "SELECT DISTINCT init FROM results").column(0).to_pylist()
    assert len(inits) == 1
    assert inits[0].startswith("bench-95:")
    out = sparsest("plan", "fixed95-phase1", "--store", store).out
    assert out.splitlines()[1].split()[:4] == ["fixed95-phase1", "558", "3", "555"]


def test_unusable_torch_file_is_recorded(store: Path, tmp_path: Path) -> None:
    torch.save({"first_layer.weight": torch.zeros(16, 2)}, tmp_path / "half")
    words = ("run", "fixed95-phase1", "--store", store, *HERE)
    message = refused(*words, "--bench-95", tmp_path / "half")
    assert f"--bench-95 {tmp_path / 'half'}: " in message
    assert not store.exists()


def test_single_experiment_cannot_be_chosen_by_its_number(store: Path) -> None:
    words = ("run", "phase1", "fixed95-phase2", "--run-id", "18960", "--run-id", "18957")
    ended = sparsest(*words, "--store", store, *HERE)
    assert ended.code == 0, ended
    rows = query(store, "SELECT study, paper_run_id FROM results ORDER BY ALL").to_pylist()
    assert rows == [{"study": "phase1", "paper_run_id": number} for number in (18957, 18960)]


def test_number_that_no_experiment_has_is_ignored(store: Path) -> None:
    said = refused("run", "phase1", "--run-id", "7", "--store", store, *HERE)
    assert "no experiment has the number 7" in said
    assert "\n  phase1: 18955 to 43530\n" in said
    assert not store.exists()


def test_numbers_of_a_slice_fill_the_terminal(store: Path) -> None:
    said = refused("run", "demo", "--run-id", "7", "--store", store, *HERE)
    assert "\n  phase1: 18955, 18978, 19001, ..., 43519\n" in said
