"""The stored initialisation of the fixed groups without a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from orchestrator import sweep as sweeps
from orchestrator.errors import UserError
from orchestrator.inits import SEARCHES, find_init, require_searches, searched_study
from search.catalogue import Selection
from search.indices import IndexSet
from search.paper import PAPER_STUDIES, paper_study
from storage.log.sweep_info import describe_sweep
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.orchestrator.fakes import LateStop
from tests.orchestrator.running import INLINE, count_rows, query, refused, sparsest
from tests.orchestrator.small_paper import small_paper
from workers.initial import initial_network
from workers.stored_init import layers_digest
from workers.task import Task, run_task

ALL = 12
"""Number of experiments in each second phase of the small paper."""


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """A paper in whose searches every network reaches the target."""
    with small_paper(target=0.4):
        yield


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def chosen(store: Path, name: str = "bench-95") -> str:
    with StoreReader(store) as reader:
        return reader.state.inits[name].digest


def digest_of(study: str, index: int, root_seed: int = 0) -> str:
    """Return the digest of the initial network of one of the paper's experiments."""
    return layers_digest(initial_network(paper_study(study).with_root_seed(root_seed)[index]))


def store_rows(store: Path, root_seed: int, outcomes: list[tuple[float, int]]) -> None:
    """Store phase2-95 with invented accuracies and sizes, in order."""
    study = searched_study("bench-95", root_seed)
    indices = IndexSet.from_range(range(len(outcomes)))
    with StoreWriter(store) as writer:
        sweep = describe_sweep(
            command="t", studies=[study.name], device="cpu", workers=1, root_seed=root_seed
        )
        rows = run_task(Task(study, indices, writer.begin_sweep(sweep)), {}, "cpu")
        for name, values in (
            ("accuracy", [accuracy for accuracy, _ in outcomes]),
            ("model_nnz", [size for _, size in outcomes]),
            ("weight_nnz", [size - 5 for _, size in outcomes]),
        ):
            place = rows.schema.get_field_index(name)
            field = rows.schema.field(place)
            rows = rows.set_column(place, field, pa.array(values, field.type))
        writer.append(rows, study.digest, study.name, indices)
        writer.end_sweep("finished")


LARGE = (0.9, 20)


@pytest.mark.parametrize(
    ("outcomes", "best"),
    [
        ([LARGE, (0.5, 12), (0.6, 13)], 1),
        ([LARGE, (0.5, 12), (0.6, 12), (0.55, 12)], 2),
        ([LARGE, (0.6, 12), (0.6, 12)], 1),
        ([(0.1, 1), (0.39, 2), (0.4, 12), LARGE], 2),
    ],
    ids=["size", "accuracy", "number", "target"],
)
def test_best_network_is_chosen_by_size_accuracy_and_number(
    outcomes: list[tuple[float, int]], best: int, store: Path
) -> None:
    store_rows(store, 3, outcomes)
    with StoreReader(store) as reader:
        init, found = find_init("bench-95", 3, reader)
    study = searched_study("bench-95", 3)
    assert init.token == f"bench-95:{digest_of('phase2-95', best, root_seed=3)}"
    assert init.layers[1][0].shape == (16, 16)
    assert found.experiment_id == study[best].experiment_id
    assert found.label == f"random:{43_531 + best}"
    assert (found.accuracy, found.model_nnz) == outcomes[best]
    assert found.masks == list(study[best].masks)
    assert found.reached == sum(a >= 0.4 for a, _ in outcomes)


def test_choice_ignores_rows_of_another_root_seed(store: Path) -> None:
    store_rows(store, 3, [(0.5, 12)])
    with StoreReader(store) as reader, pytest.raises(UserError, match="root seed 0"):
        find_init("bench-95", 0, reader)


def test_search_is_trained_before_the_groups_that_start_from_it(store: Path) -> None:
    ended = sparsest("run", "fixed95-phase1", "phase2-95", "--store", store, *INLINE)
    assert ended.code == 0, ended
    assert "\nfirst phase2-95: " in ended.err
    assert chosen(store) in ended.err
    assert "finished: 18 trained in " in ended.err
    inits = query(store, "SELECT DISTINCT init FROM results WHERE study = 'fixed95-phase1'")
    assert inits.column(0).to_pylist() == [f"bench-95:{chosen(store)}"]
    sweeps = query(store, "SELECT studies, outcome, stored, skipped FROM sweeps").to_pylist()
    assert [tuple(sweep.values()) for sweep in sweeps] == [
        (["phase2-95"], "finished", 12, 0),
        (["fixed95-phase1", "phase2-95"], "finished", 6, 12),
    ]


def test_chosen_initialisation_is_that_of_the_network_s_seed(store: Path) -> None:
    sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *INLINE)
    with StoreReader(store) as reader:
        init = reader.state.inits["bench-95"]
        assert init.found is not None
        row = reader.row(init.found.experiment_id)
    network = initial_network(paper_study("phase2-95")[row["study_index"]])
    for (weight, bias), (stored_weight, stored_bias) in zip(network, init.layers, strict=True):
        assert np.array_equal(weight, stored_weight)
        assert np.array_equal(bias, stored_bias)


def test_one_command_trains_the_whole_paper(store: Path) -> None:
    ended = sparsest("run", "paper", "--store", store, "--json", *INLINE)
    assert ended.code == 0, ended
    summary = json.loads(ended.out)
    assert (summary["outcome"], summary["trained"], summary["left"]) == ("finished", 72, 0)
    assert "first phase2-95 and phase2-995: other" in ended.err
    plan = [line.partition(":")[0] for line in ended.err.splitlines()[: len(PAPER_STUDIES)]]
    assert plan == list(PAPER_STUDIES)
    inits = query(
        store, "SELECT study[:8] AS s, init[:10] AS i FROM results GROUP BY ALL ORDER BY ALL"
    ).to_pylist()
    assert {row["i"] for row in inits if row["s"] == "fixed95-"} == {f"bench-95:{chosen(store)[0]}"}
    assert {row["i"] for row in inits if row["s"] == "fixed995"} == {"bench-995:"}
    again = sparsest("run", "paper", "--store", store, *INLINE)
    assert "nothing to train" in again.err


def test_choice_is_the_same_with_limits_and_several_commands(store: Path, tmp_path: Path) -> None:
    words = ("run", "paper", *INLINE)
    assert sparsest(*words, "--store", tmp_path / "whole").code == 0
    for trained in range(0, 72, 18):
        assert count_rows(store) == trained
        with_limit = sparsest(*words, "--store", store, "--limit", "18")
        assert with_limit.code == 0
    assert count_rows(store) == 72
    for name in SEARCHES:
        assert chosen(store, name) == chosen(tmp_path / "whole", name)
    ids = "SELECT experiment_id, loss FROM results ORDER BY ALL"
    assert query(store, ids).equals(query(tmp_path / "whole", ids))


def test_choice_after_a_limit_is_made_by_the_next_run(store: Path) -> None:
    words = ("run", "phase2-95", "fixed95-phase1", "--store", store, *INLINE)
    first = sparsest(*words, "--limit", str(ALL))
    assert "left: 6 experiments; " in first.err
    assert json.loads(sparsest("status", "--store", store, "--json").out)["inits"] == []
    second = sparsest(*words)
    assert "first phase2-95" not in second.err
    assert chosen(store) in second.err
    assert count_rows(store) == 18


def test_request_to_stop_between_the_sweeps_is_kept(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("run", "phase2-95", "fixed95-phase1", "--store", store, *INLINE)
    with monkeypatch.context() as patched:
        patched.setattr(sweeps, "StopRequest", LateStop)
        ended = sparsest(*words)
    assert ended.code == 130
    assert "left: 6 experiments; " in ended.err
    assert count_rows(store) == ALL
    assert sparsest(*words).code == 0
    assert count_rows(store) == 18


def test_choice_from_a_part_of_the_search_is_refused(store: Path) -> None:
    words = ("fixed95-phase1", "--store", store, *INLINE)
    message = refused("run", *words)
    assert not store.exists()
    assert sparsest("run", "phase2-95", "--limit", "5", "--store", store, *INLINE).code == 0
    message = refused("run", *words)
    assert "fixed95-phase1: the initialisation bench-95" in message
    assert "the store has 5 of its 12" in message
    assert "--bench-95 FILE" in message
    # A run that does not complete the search is refused too.
    message = refused("run", "phase2-95", *words, "--run-id", "9721", "--run-id", "43531")
    assert "the store has 5 of" in message
    # So is the search with another root seed.
    assert sparsest("run", "phase2-95", "--store", store, *INLINE).code == 0
    assert "the store has 0 of" in refused("run", *words, "--root-seed", "1")
    assert sparsest("run", *words, "--run-id", "9721").code == 0
    assert count_rows(store) == ALL + 1


def test_choice_is_kept_after_a_later_search(store: Path) -> None:
    assert sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *INLINE).code == 0
    before = chosen(store)
    words = ("run", "phase2-95", "fixed95-phase1", "--root-seed", "1", "--store", store, *INLINE)
    ended = sparsest(*words)
    assert ended.code == 0
    assert "from the best of" not in ended.err
    assert chosen(store) == before


def test_plan_is_complete_before_the_choice(store: Path) -> None:
    before = json.loads(sparsest("plan", "paper", "--store", store, "--json").out)["studies"]
    assert [row["remaining"] for row in before] == [row["planned"] for row in before]
    assert all(row["core_hours"] > 0 for row in before)
    assert sparsest("run", "paper", "--store", store, "--limit", "40", *INLINE).code == 0
    after = json.loads(sparsest("plan", "paper", "--store", store, "--json").out)["studies"]
    assert sum(row["stored"] for row in after) == 40


def test_search_that_found_nothing_ends_the_run(store: Path) -> None:
    with small_paper(target=0.99):
        ended = sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *INLINE)
    assert ended.code == 1
    assert "99 %" in ended.err
    assert "--bench-95 FILE" in ended.err
    assert count_rows(store) == ALL


def test_status_shows_where_an_initialisation_is_from(store: Path) -> None:
    sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *INLINE)
    (init,) = json.loads(sparsest("status", "--store", store, "--json").out)["inits"]
    assert (init["name"], init["digest"]) == ("bench-95", chosen(store))
    assert init["found"]["study"] == "phase2-95"
    assert init["found"]["trained"] == ALL
    (line,) = [
        line
        for line in sparsest("status", "--store", store).out.splitlines()
        if line.startswith("bench-95: ")
    ]
    assert f"{init['found']['label']}, 2x1x1, masks " in line
    assert f"{init['found']['model_nnz']} nonzeros with biases" in line


def test_part_of_a_search_in_the_run_is_not_enough() -> None:
    study = paper_study("phase2-95")
    part = Selection(study, IndexSet.of([(0, ALL - 1)]))
    with pytest.raises(UserError, match="complete"):
        require_searches(["bench-95"], [part], None)
    require_searches(["bench-95"], [Selection.of_study(study)], None)
