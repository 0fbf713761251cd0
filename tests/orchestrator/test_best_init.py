"""The initialisation that the fixed groups start from where nobody hands one in."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from orchestrator.best_init import SEARCHES, find_init, require_searches, searched_study
from orchestrator.commands import training
from orchestrator.errors import UserError
from orchestrator.stopping import StopRequest
from search.catalogue import Selection
from search.indices import IndexSet
from search.paper import PAPER_STUDIES, paper_study
from storage.log.sweep_info import describe_sweep
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import HERE, count_rows, query, refused, sparsest
from tests.orchestrator.small_paper import small_paper
from workers.initial import initial_network
from workers.stored_init import layers_digest
from workers.task import Task, run_task

ALL = 12
"""Experiments of each second phase of the small paper."""


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """A paper whose searches every network satisfies."""
    with small_paper(target=0.4):
        yield


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def chosen(store: Path, name: str = "bench-95") -> str:
    with StoreReader(store) as reader:
        return reader.inits[name].digest


def digest_of(study: str, index: int, root_seed: int = 0) -> str:
    """Digest of the initial network of one of the paper's experiments."""
    return layers_digest(initial_network(paper_study(study).with_root_seed(root_seed)[index]))


def store_rows(store: Path, root_seed: int, outcomes: list[tuple[float, int]]) -> None:
    """Stores phase2-95 with invented accuracies and sizes, in order."""
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
def test_another_than_the_best_network_is_taken(
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


def test_rows_of_another_root_seed_are_chosen_from(store: Path) -> None:
    store_rows(store, 3, [(0.5, 12)])
    with StoreReader(store) as reader, pytest.raises(UserError, match="with the root seed 0"):
        find_init("bench-95", 0, reader)


def test_fixed_groups_are_begun_before_the_search_has_ended(store: Path) -> None:
    ended = sparsest("run", "fixed95-phase1", "phase2-95", "--store", store, *HERE)
    assert ended.code == 0, ended
    assert "\nfirst phase2-95: other studies start from what is best there\n" in ended.err
    assert f"\nbench-95 is {chosen(store)} in this store from now on, from the best of" in ended.err
    assert "finished: 18 trained in " in ended.err
    inits = query(store, "SELECT DISTINCT init FROM results WHERE study = 'fixed95-phase1'")
    assert inits.column(0).to_pylist() == [f"bench-95:{chosen(store)}"]
    sweeps = query(store, "SELECT studies, outcome, stored, skipped FROM sweeps").to_pylist()
    assert [tuple(sweep.values()) for sweep in sweeps] == [
        (["phase2-95"], "finished", 12, 0),
        (["fixed95-phase1", "phase2-95"], "finished", 6, 12),
    ]


def test_network_is_trained_from_other_numbers_than_the_seed_gives(store: Path) -> None:
    sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *HERE)
    with StoreReader(store) as reader:
        init = reader.inits["bench-95"]
        assert init.found is not None
        row = reader.row(init.found.experiment_id)
    network = initial_network(paper_study("phase2-95")[row["study_index"]])
    for (weight, bias), (stored_weight, stored_bias) in zip(network, init.layers, strict=True):
        assert np.array_equal(weight, stored_weight)
        assert np.array_equal(bias, stored_bias)


def test_paper_does_not_run_by_itself_or_not_in_one_go(store: Path) -> None:
    ended = sparsest("run", "paper", "--store", store, "--json", *HERE)
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
    again = sparsest("run", "paper", "--store", store, *HERE)
    assert again.err.endswith("nothing to train: everything asked for is stored\n")


def test_limit_or_a_second_command_changes_the_choice(store: Path, tmp_path: Path) -> None:
    words = ("run", "paper", *HERE)
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


def test_limit_that_ends_with_the_search_freezes_or_goes_on(store: Path) -> None:
    words = ("run", "phase2-95", "fixed95-phase1", "--store", store, *HERE)
    first = sparsest(*words, "--limit", str(ALL))
    assert "left: 6 experiments; resume with:\n" in first.err
    assert json.loads(sparsest("status", "--store", store, "--json").out)["inits"] == []
    second = sparsest(*words)
    assert "first phase2-95" not in second.err
    assert "bench-95 is " in second.err
    assert count_rows(store) == 18


def test_request_to_stop_between_the_sweeps_is_forgotten(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(StopRequest):
        def __exit__(self, *error: object) -> None:
            self.received = signal.SIGINT
            super().__exit__(*error)  # type: ignore[arg-type]

    words = ("run", "phase2-95", "fixed95-phase1", "--store", store, *HERE)
    with monkeypatch.context() as patched:
        patched.setattr(training, "StopRequest", Late)
        ended = sparsest(*words)
    assert ended.code == 130
    assert "left: 6 experiments; resume with:\n" in ended.err
    assert count_rows(store) == ALL
    assert sparsest(*words).code == 0
    assert count_rows(store) == 18


def test_choice_is_made_from_a_part_of_the_search(store: Path) -> None:
    words = ("fixed95-phase1", "--store", store, *HERE)
    message = refused("run", *words)
    assert not store.exists()
    assert sparsest("run", "phase2-95", "--limit", "5", "--store", store, *HERE).code == 0
    message = refused("run", *words)
    assert "fixed95-phase1: the initialisation bench-95 is that of the best network" in message
    assert "of phase2-95, of whose 12 trainings the store has 5\n" in message
    assert "(add the words phase2-95)" in message
    assert "--bench-95 FILE (a torch state dict" in message
    # A part of it that this run does not complete is no better.
    message = refused("run", "phase2-95", *words, "--run-id", "9721", "--run-id", "43531")
    assert "the store has 5\n" in message
    # Nor is the search with another root seed.
    assert sparsest("run", "phase2-95", "--store", store, *HERE).code == 0
    assert "the store has 0\n" in refused("run", *words, "--root-seed", "1")
    assert sparsest("run", *words, "--run-id", "9721").code == 0
    assert count_rows(store) == ALL + 1


def test_choice_is_made_again_from_a_later_search(store: Path) -> None:
    assert sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *HERE).code == 0
    before = chosen(store)
    words = ("run", "phase2-95", "fixed95-phase1", "--root-seed", "1", "--store", store, *HERE)
    ended = sparsest(*words)
    assert ended.code == 0
    assert "from now on" not in ended.err
    assert chosen(store) == before


def test_plan_knows_less_before_the_choice(store: Path) -> None:
    before = json.loads(sparsest("plan", "paper", "--store", store, "--json").out)["studies"]
    assert [row["remaining"] for row in before] == [row["planned"] for row in before]
    assert all(row["core_hours"] > 0 for row in before)
    assert sparsest("run", "paper", "--store", store, "--limit", "40", *HERE).code == 0
    after = json.loads(sparsest("plan", "paper", "--store", store, "--json").out)["studies"]
    assert sum(row["stored"] for row in after) == 40


def test_search_that_found_nothing_gives_an_initialisation(store: Path) -> None:
    with small_paper(target=0.99):
        ended = sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *HERE)
    assert ended.code == 1
    assert "error: none of the 12 networks of phase2-95 with the root seed 0 reaches 99 %" in (
        ended.err
    )
    assert "--bench-95 FILE" in ended.err
    assert count_rows(store) == ALL


def test_status_does_not_say_where_an_initialisation_is_from(store: Path) -> None:
    sparsest("run", "phase2-95", "fixed95-phase1", "--store", store, *HERE)
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


def test_selection_of_a_search_is_taken_for_all_of_it() -> None:
    study = paper_study("phase2-95")
    part = Selection(study, IndexSet.of([(0, ALL - 1)]))
    with pytest.raises(UserError, match="from a complete search"):
        require_searches(["bench-95"], [part], None, 0)
    require_searches(["bench-95"], [Selection.of_study(study)], None, 0)
