"""The command `search`: what it trains, chooses and records, and how it resumes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import search_phases
from orchestrator import sweep as sweeps
from orchestrator.commands.enumeration import Enumeration
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.display.console import plain_console
from orchestrator.errors import UserError
from orchestrator.invocation import Invocation
from orchestrator.run_store import RunStore
from search.grid import Product, axis
from search.structure import Structure
from search.two_phases import SearchSettings
from storage.reading.reader import StoreReader
from tests.orchestrator import small_paper as small
from tests.orchestrator.fakes import LateStop
from tests.orchestrator.running import INLINE, CommandResult, count_rows, query, sparsest

STEP = ("--lr", "0.05", "--schedule", "step")
"""Options under which phase 1 has 3 networks and 2x2x1 has 16 masks."""


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A paper of three dense structures: all reach 50 %, and two reach 55 %."""
    structures = axis("structure", (4, 4, 1), (2, 2, 1), (1, 2, 1))
    grid = Product((axis("lr", 0.05, 0.1), axis("schedule", "step", "constant"), structures))
    monkeypatch.setitem(small.GRIDS, "phase1", grid)
    with small.small_paper(target=0.4):
        yield


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


class HourlyClock:
    """A clock that advances by an hour at each reading."""

    def __init__(self) -> None:
        self._time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self, zone: object) -> datetime:
        self._time += timedelta(hours=1)
        return self._time


def search(store: Path, *words: str, target: float = 0.5, code: int = 0) -> CommandResult:
    options = ("--target", str(target), "--store", str(store))
    ended = sparsest("search", *options, *STEP, *INLINE, *words)
    assert ended.code == code, ended
    return ended


def report(store: Path, *words: str, target: float = 0.5) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(search(store, "--json", *words, target=target).out)
    return found


def test_smallest_structure_that_reaches_the_target_is_chosen(store: Path) -> None:
    assert sparsest("run", "phase1", "--store", store, *INLINE).code == 0
    dense = query(
        store,
        "SELECT structure, accuracy FROM results WHERE schedule = 'step' AND lr = 0.05::DOUBLE",
    ).to_pylist()
    assert len(dense) == 3
    targets = sorted(row["accuracy"] for row in dense)
    for target in targets:
        reaching = [row["structure"] for row in dense if row["accuracy"] >= target]
        smallest = min(reaching, key=lambda text: Structure.parse(text).parameters(2))
        if smallest == "4x4x1":
            continue  # it has too many masks for a test
        (chosen,) = report(store, target=target)["phase_1"]["networks"]
        assert (chosen["structure"], chosen["reached"], chosen["trained"]) == (smallest, 1, 1)


def test_search_finds_the_sparsest_network(store: Path) -> None:
    ended = search(store, "--structures", "2")
    counted = query(store, "SELECT study, count(*) AS n FROM results GROUP BY ALL ORDER BY ALL")
    assert [tuple(row.values()) for row in counted.to_pylist()] == [
        ("phase1", 3),
        ("search-1x2x1", 1),
        ("search-2x2x1", 16),
    ]
    assert "\nphase 2: 17 networks (search-1x2x1, search-2x2x1), 0 stored, 17 to train" in ended.err
    (best,) = query(
        store,
        "SELECT experiment_id, model_nnz FROM results WHERE structure != '4x4x1' AND "
        "accuracy >= 0.5 ORDER BY model_nnz, accuracy DESC, study, study_index LIMIT 1",
    ).to_pylist()
    assert f"WHERE experiment_id = '{best['experiment_id']}'" in ended.out
    assert f", {best['model_nnz']} with biases, " in ended.out
    assert "phase 2: 19 networks trained, " in ended.out


def test_progress_of_a_search_shows_the_fewest_weights_at_the_target(store: Path) -> None:
    progress = search(store).err
    assert "sparsest: " in progress
    assert all(line.endswith(" at 50 %") for line in progress.splitlines() if "sparsest: " in line)


def test_search_with_limits_finds_the_same_as_without(store: Path, tmp_path: Path) -> None:
    whole = report(tmp_path / "whole", "--structures", "2")
    steps = [report(store, "--structures", "2", "--limit", "4") for _ in range(5)]
    # 3 networks of phase 1 and 17 of phase 2.
    assert [step["trained"] for step in steps] == [4] * 5
    assert [step["outcome"] for step in steps] == ["limited"] * 4 + ["finished"]
    assert steps[0]["phase_1"] == steps[4]["phase_1"]
    assert steps[3]["phase_2"] is None
    for phase in ("phase_1", "phase_2"):
        assert {**steps[-1][phase], "chosen": ""} == {**whole[phase], "chosen": ""}
    again = report(store, "--structures", "2")
    assert (again["trained"], again["outcome"]) == (0, "finished")
    assert again["phase_2"] == steps[-1]["phase_2"]


def test_choice_keeps_its_date(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_phases, "datetime", HourlyClock())
    first = report(store, "--structures", "1")
    assert report(store, "--structures", "1") == {**first, "trained": 0}


def test_limit_that_ends_with_phase_1_ends_the_command(store: Path) -> None:
    ended = search(store, "--limit", "3")
    assert count_rows(store) == 3
    assert "\n  sparsest search " in ended.err
    assert ended.out == ""


def test_request_to_stop_at_the_end_of_phase_1_is_kept(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sweeps, "StopRequest", LateStop)
        ended = search(store, code=130)
        assert "\n  sparsest search " in ended.err
        assert count_rows(store) == 3
        # Phase 2 has ended now too, without a choice.
        search(store, code=130)
        assert json.loads(sparsest("status", "--store", store, "--json").out)["searches"][1:] == []
    assert report(store)["trained"] == 0


def test_choice_is_kept_until_again_is_given(store: Path) -> None:
    first = report(store)["phase_1"]
    with StoreReader(store) as reader:
        entries = reader.state.entries
    assert report(store)["phase_1"] == first
    with StoreReader(store) as reader:
        assert reader.state.entries == entries
    ended = search(store)
    assert first["chosen"] in ended.err
    assert "chosen before" not in search(store, "--again").err


def test_phase_1_uses_stored_rows_of_the_paper(store: Path) -> None:
    assert sparsest("run", "phase1", "--store", store, *INLINE).code == 0
    before = count_rows(store)
    ended = search(store)
    assert "phase 1: 3 networks (phase1), 3 stored\n" in ended.err
    assert count_rows(store) == before + 1


def test_long_phase_needs_permission(store: Path) -> None:
    words = ("search", "--target", "0.5", "--store", store, *STEP, *INLINE)
    none = ("--max-core-hours", "0")
    ended = sparsest(*words, *none)
    assert ended.code == 1
    assert "phase 1: 3 networks (phase1), 0 stored, 3 to train: less than 0.01 core-h" in ended.err
    assert "--max-core-hours 1 " in ended.err
    assert "--masks distinct" in ended.err
    assert "--masks distinct" not in sparsest(*words, "--masks", "distinct", *none).err
    assert not store.exists()
    assert sparsest(*words, *none, "--limit", "1").code == 0


def test_target_out_of_reach_gives_advice(store: Path) -> None:
    ended = search(store, target=1.0, code=1)
    assert "100 %" in ended.err
    assert "--target" in ended.err
    assert count_rows(store) == 3


def test_structure_with_too_many_masks_is_refused(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        small.GRIDS,
        "phase1",
        Product((axis("lr", 0.05), axis("schedule", "step"), axis("structure", (16, 16, 16)))),
    )
    with small.small_paper(target=0.4):
        ended = search(store, code=1)
    assert "error: search-16x16x16.toml: " in ended.err
    assert "more than 2^63" in ended.err
    assert "--strategy" in ended.err


@pytest.mark.parametrize(
    ("dataset", "inputs", "outputs"), [("two-moons", 2, 1), ("digits-odd", 64, 1)]
)
def test_other_tasks_are_searched(store: Path, dataset: str, inputs: int, outputs: int) -> None:
    short = ("--dataset", dataset, "--epochs", "1", "--structure", "1", *STEP)
    assert report(store, *short, target=0.1)["phase_2"]["trained"] == 1
    (row,) = query(store, "SELECT dataset, layers FROM results").to_pylist()
    assert row == {"dataset": dataset, "layers": [inputs, 1, outputs]}


def test_search_without_a_sparser_network_gives_advice(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        small.GRIDS,
        "phase1",
        Product((axis("lr", 0.05), axis("schedule", "step"), axis("structure", (1, 1, 1)))),
    )
    with small.small_paper(target=0.4):
        ended = search(store)
    # Its only mask is the dense one.
    assert "--structures 3" in ended.out


def test_search_ignores_a_user_s_sweep_of_the_same_name(store: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'name = "search-1x2x1"\n[base]\nepochs = 1\nlr = 0.05\nschedule = "step"\n'
        '[grid]\nstructure = ["1x2x1"]\nmask1 = ["10"]\nmask2 = ["1|0"]\n'
    )
    assert sparsest("run", mine, "--store", store, *INLINE).code == 0
    assert report(store)["phase_2"]["trained"] == 2


SHORT = ("--dataset", "xor", "--epochs", "1", "--batch-size", "64")


def test_search_of_another_task_and_depth(store: Path) -> None:
    found = report(store, *SHORT, "--depth", "2", "--max-width", "2", "--replicates", "2")
    rows = query(
        store,
        "SELECT study, dataset, epochs, batch_size, len(layers) AS n, count(*) AS trained, "
        "max(replicate) AS last FROM results GROUP BY ALL ORDER BY ALL",
    ).to_pylist()
    assert {row["study"] for row in rows} > {"search-dense"}
    for row in rows:
        assert (row["dataset"], row["epochs"], row["batch_size"]) == ("xor", 1, 64)
        assert (row["n"], row["last"]) == (4, 1)
    assert found["phase_1"]["trained"] == 2 * 4
    (chosen,) = found["phase_2"]["networks"]
    assert chosen["accuracy"] >= 0.5


def test_given_structure_takes_the_place_of_phase_1(store: Path) -> None:
    found = report(store, *SHORT, "--structure", "2x1", "--masks", "distinct")
    assert found["phase_1"] is None
    assert found["phase_2"]["networks"][0]["structure"] == "2x1"
    assert found["trained"] == count_rows(store) == found["phase_2"]["trained"]
    assert report(store, *SHORT, "--structure", "2x1", "--masks", "distinct")["trained"] == 0
    ended = search(store, *SHORT, "--structure", "1", target=1.0, code=1)
    assert "highest accuracy" in ended.err


def test_search_says_that_inputs_are_not_left_out(store: Path) -> None:
    ended = search(store, "--dataset", "iris", "--epochs", "1", "--structure", "1", target=0.1)
    assert "4 inputs of iris" in ended.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--dataset", "moon"), "moon"),
        (("--structure", "2x1", "--depth", "2"), "--depth"),
        (("--structure", "2x0"), "2x0"),
        (("--depth", "5", "--max-width", "16"), "--max-width 5"),
    ],
)
def test_impossible_search_is_refused(store: Path, words: tuple[str, ...], named: str) -> None:
    assert named in search(store, *words, code=1).err
    assert not store.exists()


def test_unknown_masks_are_refused_before_phase_1(store: Path) -> None:
    executor = ExecutorOptions("inline")
    call = Invocation(("search",))
    console = plain_console()
    with RunStore(store, "sparsest search", console) as opened:
        started = Enumeration(SearchSettings(0.5, masks="some"), executor, call, None, 1.0, opened)
        with pytest.raises(UserError, match="'some'"):
            started.run(again=False)
    assert not store.exists()


def test_status_shows_what_was_chosen(store: Path) -> None:
    found = report(store)
    searches = json.loads(sparsest("status", "--store", store, "--json").out)["searches"]
    assert searches == [found["phase_1"], found["phase_2"]]
    out = sparsest("status", "--store", store).out
    assert "50 %" in out
    assert "phase 1: 3 networks" in out


def test_impossible_option_is_refused_before_phase_1(store: Path) -> None:
    wrong = {"--target": ("0", "1.5", "nan", "95"), "--lr": ("-1", "inf")}
    for option, values in wrong.items():
        for value in values:
            ended = sparsest("search", "--store", store, option, value, *INLINE)
            assert ended.code == 2
            assert option in ended.err
            assert f"{value} is not allowed" in ended.err
    assert not store.exists()
