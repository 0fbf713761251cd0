"""Sweeps that several machines train in parts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from search.paper import paper_study
from search.parts import Shard
from tests.orchestrator.running import (
    INLINE,
    count_rows,
    rates,
    refused,
    rows,
    sparsest,
    write_sweep,
)
from tests.orchestrator.small_paper import small_paper
from tests.orchestrator.test_run import bench_file
from workers.cost import experiment_cost


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return write_sweep(tmp_path / "mine.toml", f'structure = ["1x1x1"]\n{rates(7)}')


def test_shards_together_are_the_whole(sweep: Path, tmp_path: Path) -> None:
    stores = [tmp_path / f"shard{number}" for number in (1, 2, 3)]
    for number, store in enumerate(stores, start=1):
        ended = sparsest("run", sweep, "--shard", f"{number}/3", "--store", store, *INLINE)
        assert ended.code == 0
        assert count_rows(store) in (2, 3)
    whole, into = tmp_path / "whole", tmp_path / "into"
    sparsest("run", sweep, "--store", whole, *INLINE)
    sparsest("merge", *stores, "--into", into)
    assert rows(into) == rows(whole)


def test_shard_is_the_same_when_resumed(sweep: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    words = ("run", sweep, "--shard", "2/3", "--store", store, *INLINE)
    size = len(Shard(2, 3).indices(7))
    first = sparsest(*words, "--limit", "1", "--json")
    assert json.loads(first.out)["left"] == size - 1
    second = sparsest(*words)
    assert f"mine: {size} planned, 1 stored, {size - 1} to train\n" in second.err
    assert "nothing to train" in sparsest(*words).err
    assert count_rows(store) == size
    # Each number is in one of the shards.
    alone = [
        json.loads(
            sparsest(
                "run",
                sweep,
                "--run-id",
                "5",
                "--shard",
                f"{k}/3",
                "--json",
                "--store",
                tmp_path / f"{k}",
                *INLINE,
            ).out
        )["trained"]
        for k in (1, 2, 3)
    ]
    assert sorted(alone) == [0, 0, 1]


def test_plan_of_a_shard_is_a_part_of_the_whole(sweep: Path) -> None:
    reports = [
        json.loads(sparsest("plan", sweep, "--shard", f"{k}/3", "--json").out) for k in (1, 2, 3)
    ]
    assert sum(report["studies"][0]["planned"] for report in reports) == 7


def test_mistake_in_a_shard_is_refused(sweep: Path, tmp_path: Path) -> None:
    for shard in ("4/3", "x"):
        for words in (["run", "--store", tmp_path / "s"], ["plan"]):
            ended = sparsest(*words, sweep, "--shard", shard)
            assert ended.code == 2
            assert "--shard" in ended.err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("name", ["overparam", "phase1", "fixed95-prune"])
@pytest.mark.parametrize("count", [4, 16])
def test_shards_cost_about_the_same(name: str, count: int) -> None:
    study = paper_study(name)
    costs = np.array([experiment_cost(experiment) for experiment in study])
    shares = [
        costs[list(Shard(number + 1, count).indices(len(study)))].sum() for number in range(count)
    ]
    assert max(shares) < 1.1 * np.mean(shares)
    assert min(shares) > 0.9 * np.mean(shares)


def test_shards_start_from_the_same_initialisation(tmp_path: Path) -> None:
    with small_paper(target=0.0):
        searched = tmp_path / "searched"
        assert sparsest("run", "phase2-95", "--store", searched, *INLINE).code == 0
        words = ("run", "fixed95-phase1", "--shard", "1/2")
        for extra in ((), ("phase2-95",)):
            store = tmp_path / "new"
            message = refused(*words, *extra, "--store", store, *INLINE)
            assert "merge" in message
            assert "--bench-95 FILE" in message
            assert not store.exists()
        assert "merge" in refused(*words, "--store", searched, *INLINE)
        # One store chooses, and its copies use that.
        once = ("run", "fixed95-phase1", "--limit", "1")
        assert sparsest(*once, "--store", searched, *INLINE).code == 0
        copies = [shutil.copytree(searched, tmp_path / f"copy{k}") for k in (1, 2)]
        for k, copy in enumerate(copies, start=1):
            shard = ("--shard", f"{k}/2")
            assert sparsest("run", "fixed95-phase1", *shard, "--store", copy, *INLINE).code == 0
        assert sparsest("merge", *copies, "--into", searched).code == 0
        assert (
            "nothing to train"
            in sparsest("run", "fixed95-phase1", "--store", searched, *INLINE).err
        )
        given = ("--bench-95", bench_file(tmp_path / "bench.pt", 1))
        assert sparsest(*words, *given, "--store", tmp_path / "given", *INLINE).code == 0
