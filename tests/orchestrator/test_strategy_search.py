"""The command `search` with a strategy: what it trains and tells, and how it resumes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator import sweep as sweeps
from orchestrator.executor import InlineExecutor, Outcome, TimeLimit
from orchestrator.job import Job
from orchestrator.worker_kinds import WorkerCounts, WorkerKind
from search.masks.burnside import count_distinct
from search.strategies import halving
from search.strategies.catalogue import plugin_strategies
from search.strategies.problem import Problem, Proposals
from storage.checking.verify import verify_store
from tests.docs.pages import ROOT, the_code
from tests.installed import install
from tests.orchestrator.running import (
    INLINE,
    SMALL_SEARCH,
    CommandResult,
    count_rows,
    query,
    refused,
    rows,
    sparsest,
    stopped_after_one_round,
)

HOURS = "0.00001"
"""Core-hours of a search: 0.04 s of training."""


ONE_HOUR = ("--core-hours", "1", "--structure")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def search(store: Path, *words: str, code: int = 0, hours: str = HOURS) -> CommandResult:
    ended = sparsest(*SMALL_SEARCH, "--core-hours", hours, "--store", store, *INLINE, *words)
    assert ended.code == code, ended
    return ended


def report(store: Path, *words: str, hours: str = HOURS) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(search(store, *words, hours=hours).out)
    return found


@pytest.mark.parametrize("strategy", ["halving", "eliminate", "evolve"])
def test_search_resumes_with_the_same_result(strategy: str, store: Path) -> None:
    words = ("--strategy", strategy)
    first = report(store, *words)
    assert first["trained"] == first["experiments"] == count_rows(store) > 0
    assert first["core_hours"] >= 0.8 * float(HOURS)
    again = report(store, *words)
    assert again == {**first, "trained": 0}
    more = report(store, *words, hours=str(3 * float(HOURS)))
    assert count_rows(store) == more["trained"] + first["trained"]
    assert verify_store(store) == []
    (kept,) = query(store, "SELECT DISTINCT study, dataset, structure FROM results").to_pylist()
    assert kept == {"study": f"search-{strategy}", "dataset": "xor", "structure": "3x2"}


def test_winner_is_the_sparsest_network_with_its_success(store: Path) -> None:
    found = report(store, "--strategy", "evolve", hours="0.00006")
    winner = found["networks"][0]
    (row,) = query(
        store,
        "SELECT weight_nnz, accuracy, masks FROM results "
        f"WHERE experiment_id = '{winner['experiment_id']}'",
    ).to_pylist()
    assert (row["weight_nnz"], row["accuracy"]) == (winner["weights"], winner["accuracy"])
    assert row["accuracy"] >= 0.6
    init = winner["init"]
    if init == "fresh":
        init = f"row:{winner['experiment_id']}"
    masks = "['" + "', '".join(row["masks"]) + "']" if row["masks"] else "NULL"
    (replicates,) = query(
        store,
        "SELECT count(*) AS trials, count(*) FILTER (accuracy >= 0.6) AS hits FROM results "
        f"WHERE init = '{init}' AND masks IS NOT DISTINCT FROM {masks} AND replicate > 0",
    ).to_pylist()
    assert (winner["trials"], winner["hits"]) == (replicates["trials"], replicates["hits"])
    if winner["trials"]:
        success = winner["success"]
        assert success["low"] <= winner["hits"] / winner["trials"] <= success["high"]


def test_progress_shows_the_fewest_weights_at_the_target(store: Path) -> None:
    progress = search(store, "--strategy", "eliminate").err
    assert " at 60 %" in progress
    assert " at 95 %" not in progress


def test_every_network_can_be_made_again_from_its_root(store: Path) -> None:
    report(store, "--strategy", "eliminate")
    last = query(
        store, "SELECT experiment_id FROM results WHERE parent IS NOT NULL ORDER BY weight_nnz"
    ).to_pylist()
    if last:  # a slow machine spends the budget on the dense networks
        assert sparsest("replay", last[0]["experiment_id"], "--store", store).code == 0


def test_interrupted_search_trains_only_what_is_missing(store: Path) -> None:
    with stopped_after_one_round():
        ended = search(store, "--strategy", "halving", code=130)
    assert query(store, "SELECT outcome FROM sweeps").to_pylist() == [{"outcome": "finished"}]
    assert "\n  sparsest search " in ended.err
    stored = count_rows(store)
    assert stored == halving.BRACKET
    resumed = report(store, "--strategy", "halving")
    assert resumed["experiments"] == resumed["trained"] + stored


class ThreeWorkers(InlineExecutor):
    """Takes three jobs at a time and returns the last one first."""

    def __init__(self) -> None:
        super().__init__({}, "cpu")
        self.workers = 3
        self.worker_counts = WorkerCounts({self._kind: 3})
        self.jobs = 0

    def submit(self, job: Job, kind: WorkerKind) -> None:
        self.jobs += 1
        super().submit(job, kind)

    def vacancies(self) -> list[WorkerKind]:
        return [self._kind] * (3 - len(self._waiting))

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        self._waiting.reverse()
        outcomes = super().wait(timeout_s, time_limit_s)
        self._waiting.reverse()
        return outcomes


@pytest.mark.parametrize("strategy", ["halving", "evolve"])
def test_search_trains_the_same_whatever_the_workers(
    strategy: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--strategy", strategy)
    one = report(store, *words)
    executor = ThreeWorkers()
    monkeypatch.setattr(sweeps, "make_executor", lambda *_: executor)
    other = store.with_name("other")
    assert report(other, *words) == one
    assert executor.jobs >= 3
    assert rows(other).equals(rows(store))


def test_exhaustive_search_states_what_was_tried(store: Path) -> None:
    words = ("--strategy", "halving", "--masks", "distinct", "--target", "1")
    tried = report(store, *words, "--structure", "2x2", hours="0.0003")["tried"]
    assert sum(one["networks"] for one in tried) == count_distinct(2, (2, 2)).networks
    for one in tried:
        assert (one["networks"], one["restarts"]) == (one["distinct"], 27)
        assert (one["bound"] is None) == (one["reached"] > 0) == (one["highest"] == 1)


def test_published_networks_are_not_tried_again(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--strategy", "halving", "--masks", "distinct", "--target", "1", "--structure", "2x1")
    first = report(store, *words, hours="0.0001")
    assert first["skipped"] == 0
    assert len(first["tried"]) > 2
    last = first["tried"][1]
    assert last["networks"] > 1
    last["networks"] -= 1
    whole, first["tried"] = first["tried"], first["tried"][:2]
    (tmp_path / "exhaustive-2x1.json").write_text(json.dumps(first))
    monkeypatch.setenv("SPARSEST_RESULTS", str(tmp_path))
    again = report(store.with_name("second"), *words, "--from-published", hours="0.0001")
    assert again["skipped"] == sum(one["networks"] for one in first["tried"])
    assert (again["tried"][0]["weights"], again["tried"][0]["networks"]) == (last["weights"], 1)
    last["networks"] = last["distinct"]
    first["tried"] = whole
    (tmp_path / "exhaustive-2x1.json").write_text(json.dumps(first))
    as_text = [word for word in SMALL_SEARCH if word != "--json"]
    nothing = ("--store", store.with_name("none"), *INLINE, *words, "--from-published")
    ended = sparsest(*as_text, "--core-hours", "0.0001", *nothing)
    assert f" {sum(one['networks'] for one in whole)} networks" in ended.out
    assert "--root-seed" in ended.out
    # Other trainings are not the published ones.
    other = (*words, "--from-published", "--lr", "0.1")
    others = report(store.with_name("third"), *other, hours="0.0001")
    assert others["tried"][0]["weights"] == first["tried"][0]["weights"]


def test_exhaustive_search_covers_every_structure_of_a_depth(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halving, "ROUND", 10 * halving.RESTARTS)
    words = ("search", "--dataset", "xor", "--target", "1", "--epochs", "1", "--depth", "1")
    every = ("--strategy", "halving", "--masks", "distinct", "--core-hours", "0.0001")
    found = sparsest(*words, *every, "--store", store, *INLINE)
    assert found.code == 0
    assert "27 restarts each" in found.out
    assert "95 % confidence" in found.out


def test_numbers_of_one_are_singular_and_a_network_without_masks_is_dense(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halving, "RESTARTS", 1)
    words = ("search", "--dataset", "xor", "--target", "0.5", "--epochs", "1", "--structure", "1")
    every = ("--strategy", "halving", "--masks", "distinct", "--core-hours", "0.0000001")
    found = sparsest(*words, *every, "--store", store, *INLINE)
    assert found.code == 0
    assert "3 weights: 1 of 1 distinct network, 1 restart each" in found.out
    (winner,) = (line for line in found.out.splitlines() if line.startswith("the sparsest"))
    assert winner.endswith("dense")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--strategy", "eliminate", "--structure", "3x3"), "--core-hours"),
        (("--strategy", "eliminate", "--core-hours", "1"), "--structure"),
        (("--strategy", "guess", "--core-hours", "1", "--structure", "2x2"), "halving"),
        (("--core-hours", "1"), "--limit"),
        (("--strategy", "halving", *ONE_HOUR, "2x2", "--max-core-hours", "0"), "--max-core-hours"),
        (("--structure", "2x2", "--again"), "--again"),
        (("--strategy", "halving", *ONE_HOUR, "2x2", "--depth", "2"), "--structure"),
        (("--strategy", "halving", "--core-hours", "1", "--depth", "2"), "--masks"),
        (
            ("--strategy", "halving", *ONE_HOUR, "9x9x9", "--masks", "distinct"),
            "9x9x9",
        ),
        (
            ("--strategy", "evolve", *ONE_HOUR, "2x2", "--masks", "distinct"),
            "halving",
        ),
        (("--strategy", "halving", "--limit", "2"), "--limit"),
        (("--strategy", "halving", *ONE_HOUR, "2x2", "--from-published"), "--masks"),
        (("--from-published",), "--strategy"),
        (
            (
                "--strategy",
                "evolve",
                "--core-hours",
                "1",
                "--structure",
                "2x2",
                "--lr",
                "1",
                "--lr",
                "2",
            ),
            "--lr",
        ),
        (("--strategy", "evolve", "--core-hours", "1", "--structure", "2-2"), "2-2"),
        (
            ("--strategy", "evolve", "--core-hours", "1", "--structure", "2x2", "--dataset", "no"),
            "no",
        ),
    ],
)
def test_wrong_options_are_refused(words: Sequence[str], said: str, store: Path) -> None:
    assert said in refused("search", "--target", "0.5", *words, "--store", store, *INLINE)
    assert not store.exists()


def test_strategy_of_the_manual_is_used_as_a_plugin(site: Path, store: Path) -> None:
    page = ROOT / "docs" / "search.md"
    code = the_code(page, "python")
    provides = tomllib.loads(the_code(page, "toml"))["project"]["entry-points"]
    install(site, "my-search", "1.0", provides, my_search=code)
    plugin_strategies.cache_clear()
    try:
        found = report(store, "--strategy", "triples")
        assert found["strategy"] == "triples"
        assert found["experiments"] == count_rows(store) > 0
        assert "my-search" in sparsest("plugins").out
        # It is known, although strategies have no checks.
        assert "my-search" in refused("plugins", "--check", "triples")
    finally:
        plugin_strategies.cache_clear()


def test_search_ends_when_a_strategy_proposes_nothing_new(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dense_only(problem: Problem) -> Proposals:
        while True:
            yield [problem.experiment()]

    monkeypatch.setattr(halving, "propose", dense_only)
    found = report(store, "--strategy", "halving", hours="1")
    replicates = sum(one["trials"] for one in found["networks"])
    assert found["experiments"] == 1 + replicates
