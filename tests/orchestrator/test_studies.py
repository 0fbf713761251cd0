"""The read-only commands studies, list, plan and status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from search.catalogue import STUDY_NAMES
from search.paper import PAPER_STUDIES, paper_study
from search.sweeps.file import load_sweep
from storage.lock import StoreLock
from storage.log.sweep_info import describe_sweep
from storage.paths import StorePaths
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import (
    INLINE,
    environment,
    output_of,
    rates,
    refused,
    sparsest,
    start,
    train,
    write_sweep,
)


def line_width(text: str) -> int:
    return max(len(line.rstrip()) for line in text.splitlines())


def test_studies_lists_every_study_on_its_own_line() -> None:
    ended = sparsest("studies")
    assert ended.code == 0
    lines = ended.out.splitlines()
    for name in STUDY_NAMES:
        (line,) = [line for line in lines if line.startswith(f"{name} ")]
        if name in PAPER_STUDIES:
            study = paper_study(name)
            last = study.first_run_id + len(study) - 1
            assert f"{len(study):,}" in line
            assert f"{study.paper_group}: {study.first_run_id:,} to {last:,}" in line
            assert study.description.split()[0] in lines[lines.index(line) + 1]
    assert line_width(ended.out) <= 80


def test_studies_as_json_have_the_counts_of_the_paper() -> None:
    studies = json.loads(sparsest("studies", "--json").out)
    assert [study["study"] for study in studies] == list(STUDY_NAMES)
    counts = {study["study"]: study["experiments"] for study in studies}
    assert counts["paper"] == sum(counts[name] for name in PAPER_STUDIES) == 485_838
    assert counts["demo"] == 16_782


def test_list_ends_silently_when_its_reader_closes_the_pipe() -> None:
    command = f"set -o pipefail; {sys.executable} -m orchestrator.cli list phase2-95 | head -n 2"
    ended = subprocess.run(
        ["bash", "-c", command], env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.stdout.splitlines()[0].startswith(
        "random:43531\tsearch\t16\t0.05\tcosine\t50\t-\t"
    )
    assert len(ended.stdout.splitlines()) == 2
    assert ended.stderr == ""
    assert ended.returncode == 0


def test_ctrl_c_ends_a_listing_with_exit_code_130() -> None:
    listing = start("orchestrator.cli", "list", "paper")
    assert listing.stdout is not None
    assert listing.stdout.readline().startswith("random:1\t")
    listing.send_signal(signal.SIGINT)
    _, err = output_of(listing)
    assert len(err.splitlines()) == 1
    assert listing.returncode == 130


def test_experiments_of_a_sweep_file_are_numbered_from_1(tmp_path: Path) -> None:
    sweep = write_sweep(
        tmp_path / "mine.toml", 'structure = ["2x2x1"]\nmask1 = ["10|01"]\nlr = [0.1, 0.2]'
    )
    ended = sparsest("list", sweep, "--tsv")
    assert ended.out == (
        "mine:1\tsearch\t16\t0.1\tcosine\t1\t-\t2x2x1\t10|01\t-\t-\n"
        "mine:2\tsearch\t16\t0.2\tcosine\t1\t-\t2x2x1\t10|01\t-\t-\n"
    )
    assert ended.err == ""
    assert sparsest("list", sweep).out == ended.out


def test_list_as_json_agrees_with_the_stored_row(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["2x2x1"]\nmask1 = ["10|01"]')
    train([sweep], tmp_path / "store")
    (record,) = map(json.loads, sparsest("list", sweep, "--json").out.splitlines())
    statement = (
        "SELECT experiment_id, method, width, lr, schedule, epochs, target_nnz, target_accuracy, "
        "hyperparameters, init_scheme, structure, masks FROM results"
    )
    asked = sparsest(
        "query",
        statement,
        "--store",
        tmp_path / "store",
        "--format=jsonl",
    )
    assert {"label": "mine:1", **json.loads(asked.out)} == record


def test_plan_of_the_paper_fits_the_terminal() -> None:
    ended = sparsest("plan", "paper")
    assert ended.code == 0
    assert line_width(ended.out) <= 80
    rows = {line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line.strip()}
    for name in PAPER_STUDIES:
        count = f"{len(paper_study(name)):,}"
        assert rows[name][:3] == [count, "0", count]
    words = " ".join(ended.out.split())
    assert "all 485,838 0 485,838" in words
    assert "calibrated just now" in words


def test_plan_subtracts_what_is_stored(tmp_path: Path) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]\nlr = [0.1, 0.2, 0.3]')
    fresh = json.loads(sparsest("plan", sweep, "--store", store, "--json").out)
    assert not store.exists()
    train([sweep], store, limit=2)
    (row,) = json.loads(sparsest("plan", sweep, "--store", store, "--json").out)["studies"]
    assert (row["planned"], row["stored"], row["remaining"]) == (3, 2, 1)
    assert row["core_hours"] == pytest.approx(fresh["studies"][0]["core_hours"] / 3)
    (other,) = json.loads(
        sparsest("plan", sweep, "--store", store, "--root-seed", "7", "--json").out
    )["studies"]
    assert other["stored"] == 0


def test_excluded_combinations_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No method here has a target, so the number of excluded combinations is set by hand.
    def load_less(*args: object, **kwargs: object) -> object:
        return replace(load_sweep(*args, **kwargs), left_out=1234)  # type: ignore[arg-type]

    monkeypatch.setattr("search.sweeps.file.load_sweep", load_less)
    sweep = write_sweep(tmp_path / "mine.toml", 'structure = ["1x1x1"]')
    store = tmp_path / "store"
    for words in (("list", sweep), ("plan", sweep), ("run", sweep, "--store", store, *INLINE)):
        err = sparsest(*words).err
        assert "mine: 1,234 " in err


def test_status_describes_the_store(trained: Path) -> None:
    ended = sparsest("status", "--store", trained)
    assert ended.code == 0
    assert ended.out.splitlines()[1].split() == ["six", "6"]
    assert "6 rows (6 ok) in 1 file, " in ended.out
    assert "sparsest: none at 95 % yet" in ended.out
    assert "last run (finished): test " in ended.out
    report = json.loads(sparsest("status", "--store", trained, "--json").out)
    assert (report["rows"], report["files"], report["by_status"]["ok"]) == (6, 1, 6)
    assert [(study["study"], study["stored"]) for study in report["studies"]] == [("six", 6)]
    assert report["last_run"]["state"] == "finished"
    assert report["best"] == {}


def test_versions_of_a_sweep_file_are_told_apart_by_digest(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for grid in ('structure = ["1x1x1"]', 'structure = ["2x1x1"]'):
        train([write_sweep(tmp_path / "mine.toml", grid)], store)
    studies = json.loads(sparsest("status", "--store", store, "--json").out)["studies"]
    out = sparsest("status", "--store", store).out
    for study in studies:
        (line,) = (line for line in out.splitlines() if study["digest"][:8] in line)
        assert line.split()[-1] == "1"
    assert studies[0]["digest"] != studies[1]["digest"]


def test_status_follows_a_run_from_its_start_to_its_death(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with StoreWriter(store, command="mine") as writer:
        starting = sparsest("status", "--store", store).out
        assert "in use, but no training has started: mine " in starting
        assert "no run yet" not in starting
        report = json.loads(sparsest("status", "--store", store, "--json").out)
        assert (report["last_run"], report["at_work"]["pid"]) == (None, os.getpid())
        sweep = describe_sweep(command="mine", studies=["x"], device="cpu", workers=1, root_seed=0)
        writer.begin_sweep(sweep)
        report = json.loads(sparsest("status", "--store", store, "--json").out)
        assert report["last_run"]["state"] == "running"
        assert report["last_run"]["pid"] == os.getpid()
        assert report["at_work"] is None
        assert "running: mine " in sparsest("status", "--store", store).out
    assert "last run (killed): mine" in sparsest("status", "--store", store).out


def test_status_of_a_new_store_reports_no_run(tmp_path: Path) -> None:
    StoreWriter(tmp_path / "store").close()
    assert sparsest("status", "--store", tmp_path / "store").out.endswith("no run yet\n")


def test_killed_run_is_reported_while_another_starts(tmp_path: Path) -> None:
    store = tmp_path / "store"
    sweep = describe_sweep(command="old", studies=["x"], device="cpu", workers=1, root_seed=0)
    with StoreWriter(store, command="old") as writer:
        writer.begin_sweep(sweep.model_copy(update={"started": "2024-07-01T00:00:00Z"}))
    with StoreWriter(store, command="new"):
        *_, busy, last = sparsest("status", "--store", store).out.splitlines()
    assert "no training has started: new " in busy
    assert re.fullmatch(r"last run \(killed\): old .*2024-07-01.*", last)


def test_command_that_holds_the_store_is_reported(trained: Path) -> None:
    lock = StoreLock(StorePaths(trained), "sparsest compact")
    try:
        *_, busy, last = sparsest("status", "--store", trained).out.splitlines()
    finally:
        lock.close()
    assert "no training has started: sparsest compact " in busy
    assert last.startswith("last run (finished): ")


def test_status_knows_the_size_of_a_sweep_file_from_its_runs(tmp_path: Path) -> None:
    store = tmp_path / "store"
    sweep = write_sweep(tmp_path / "six.toml", f'structure = ["1x1x1"]\n{rates(6)}')
    for words in (["--limit", "3"], ["--run-id", "0"], ["--shard", "1/3", "--limit", "1"]):
        sparsest("run", sweep, "--store", store, *words, *INLINE)
    (study,) = json.loads(sparsest("status", "--store", store, "--json").out)["studies"]
    assert study["experiments"] == 6
    row = sparsest("status", "--store", store).out.splitlines()[1].split()
    assert row == ["six", str(study["stored"]), "6", f"{study['stored'] / 6:.1%}"]
    # A size below the number of stored rows, or in a damaged file, is not shown.
    planned = StorePaths(store).planned
    planned.write_text(json.dumps({"studies": {study["digest"]: 2}}))
    assert sparsest("status", "--store", store).out.splitlines()[1].split()[2:] == []
    planned.write_text("{")
    assert sparsest("status", "--store", store).out.splitlines()[1].split()[2:] == []
    assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    assert sparsest("status", "--store", store).out.splitlines()[1].split()[2:] == ["6", "100.0%"]


@pytest.mark.parametrize(
    ("before", "limit", "after", "shares"),
    [
        (7, 2, 2, [["2"]]),  # the five others are not wanted any more
        (5, 5, 7, [["5"], ["2", "2", "100.0%"]]),
        (5, 2, 7, [["2"], ["5", "5", "100.0%"]]),
    ],
)
def test_status_is_complete_after_an_edit_of_the_sweep_file(
    before: int, limit: int, after: int, shares: list[list[str]], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    for count, options in ((before, ["--limit", str(limit)]), (after, []), (after, [])):
        sweep = write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(count)}')
        assert sparsest("run", sweep, "--store", store, *options, *INLINE).code == 0
    lines = sparsest("status", "--store", store).out.splitlines()
    rows = [line for line in lines if line.startswith("mine")]
    assert [row.split()[-len(share) :] for row, share in zip(rows, shares, strict=True)] == shares
    assert ["earlier" in row for row in rows] == [True, False][-len(rows) :]


@pytest.mark.parametrize("command", ["status", "query", "export", "sql"])
def test_missing_store_is_reported_and_stays_missing(command: str, tmp_path: Path) -> None:
    words = {"query": ["SELECT 1"], "export": ["--format", "csv"]}.get(command, [])
    message = refused(command, *words, "--store", tmp_path / "none")
    assert str(tmp_path / "none") in message
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "none.log").exists()


def test_status_of_a_folder_with_other_files_does_not_advise_a_run(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").touch()
    message = refused("status", "--store", tmp_path / "thesis")
    assert "chapter-1.tex" in message
    assert "sparsest run" not in message
