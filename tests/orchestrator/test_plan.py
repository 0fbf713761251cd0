"""The plan contains exactly the experiments that are not stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.inits import combined
from orchestrator.planning.plan import make_plan
from orchestrator.planning.targets import find_targets, with_inits
from search.catalogue import DEMO_STRIDES, Selection
from search.indices import IndexSet
from search.layers import StoredInit
from search.paper import paper_study
from tests.orchestrator.fakes import FakeStore, small_study
from tests.orchestrator.running import plan, query, rows, sparsest, train, write_sweep
from workers.initial import initial_network
from workers.stored_init import layers_digest


def test_plan_leaves_out_stored_experiments() -> None:
    study, store = small_study(100), FakeStore()
    store.indices[study.digest] = IndexSet.of([(0, 10), (50, 60)])
    wanted = IndexSet.of([(5, 55)])
    (planned,) = make_plan([Selection(study, wanted)], store)
    assert planned.stored == IndexSet.of([(5, 10), (50, 55)])
    assert planned.remaining == IndexSet.of([(10, 50)])
    assert planned.wanted == wanted


def test_experiment_stored_under_another_study_is_planned() -> None:
    one, other, store = small_study(10, "one"), small_study(10, "other"), FakeStore()
    store.indices[other.digest] = IndexSet.of([(0, 10)])
    (planned,) = make_plan([Selection.of_study(one)], store)
    assert len(planned.remaining) == 10


def test_edited_sweep_file_trains_only_new_experiments(tmp_path: Path) -> None:
    store, file = tmp_path / "store", tmp_path / "mine.toml"
    write_sweep(file, 'structure = ["2x1x1", "1x1x1"]\nlr = [0.01, 0.02, 0.03]')
    assert train([file], store).trained == 6
    before = set(query(store, "SELECT experiment_id FROM results").column(0).to_pylist())

    # Reordered, one rate added, one structure added and one taken away.
    write_sweep(file, 'structure = ["1x1x1", "1x2x1"]\nlr = [0.04, 0.03, 0.02, 0.01]')
    (planned,) = plan([file], store)
    assert [planned.study[index].hidden for index in planned.stored] == [(1, 1, 1)] * 3
    assert [planned.study[index].lr for index in planned.stored] == [0.03, 0.02, 0.01]
    assert train([file], store).trained == 5

    ids = query(store, "SELECT experiment_id FROM results").column(0).to_pylist()
    assert len(ids) == len(set(ids)) == 11
    assert {experiment.experiment_id for experiment in planned.study} < set(ids)
    assert before < set(ids)
    assert not plan([file], store)[0].remaining

    # After undoing the edit, every row of the first version counts again.
    write_sweep(file, 'structure = ["2x1x1", "1x1x1"]\nlr = [0.01, 0.02, 0.03]')
    assert train([file], store).trained == 0


def test_edited_sweep_file_gives_the_rows_of_a_fresh_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    write_sweep(file, 'structure = ["1x1x1"]\nlr = [0.02, 0.01]')
    train([file], tmp_path / "edited")
    write_sweep(file, 'structure = ["1x1x1"]\nlr = [0.01, 0.02, 0.03]')
    train([file], tmp_path / "edited")
    train([file], tmp_path / "fresh")
    ours, fresh = rows(tmp_path / "edited"), rows(tmp_path / "fresh")
    # A row keeps the index that it had when it was trained; nothing else depends on the index.
    assert ours.column("study_index").to_pylist() != fresh.column("study_index").to_pylist()
    assert ours.drop_columns(["study_index"]).equals(fresh.drop_columns(["study_index"]))


@pytest.mark.parametrize("pruned_first", [True, False])
def test_edited_sweep_file_with_another_table_trains_only_that(
    tmp_path: Path, pruned_first: bool
) -> None:
    store, file = tmp_path / "store", tmp_path / "mine.toml"
    masked = 'structure = ["1x1x1", "2x1x1"]\nlr = [0.01, 0.02]'
    pruned = 'method = ["snip", "grasp"]\nwidth = [3]\ntarget_nnz = [12]'
    write_sweep(file, masked)
    train([file], store)
    first, second = (pruned, masked) if pruned_first else (masked, pruned)
    file.write_text(f'name = "mine"\n[base]\nepochs = 1\n[[grid]]\n{first}\n[[grid]]\n{second}\n')
    (planned,) = plan([file], store)
    assert [planned.study[index].method for index in planned.stored] == ["search"] * 4
    assert [planned.study[index].method for index in planned.remaining] == ["snip", "grasp"]


def test_demo_and_paper_share_their_rows() -> None:
    (demo_phase1, demo_95, demo_995) = find_targets(["demo"])
    for demo, name in zip((demo_phase1, demo_95, demo_995), DEMO_STRIDES, strict=True):
        study, store = paper_study(name), FakeStore()
        store.indices[demo.study.digest] = demo.indices
        (planned,) = make_plan(find_targets([name]), store)
        assert planned.stored == demo.indices
        assert len(planned.remaining) == len(study) - len(demo)

        store.indices = {study.digest: IndexSet.from_range(range(len(study)))}
        (again,) = make_plan([demo], store)
        assert not again.remaining


def test_demo_rows_in_a_store_count_for_their_study(tmp_path: Path) -> None:
    store = tmp_path / "store"
    train(["demo"], store, limit=2)
    (planned,) = plan(["phase1"], store)
    assert list(planned.stored) == [0, DEMO_STRIDES["phase1"]]
    row = query(store, "SELECT paper_group, paper_run_id FROM results ORDER BY ALL").to_pylist()[1]
    assert row == {"paper_group": "random", "paper_run_id": 18_955 + DEMO_STRIDES["phase1"]}

    (other_seed,) = plan(["phase1"], store, root_seed=1)
    assert not other_seed.stored


def test_another_root_seed_changes_every_experiment() -> None:
    for selection in find_targets(["paper"]):
        study = selection.study
        other = study.with_root_seed(1)
        assert other.digest != study.digest
        assert len(other) == len(study)
        for index in study.sample(5):
            assert other[index].experiment_id != study[index].experiment_id
            assert other[index].seed("init") != study[index].seed("init")
            assert other[index].order_seed != study[index].order_seed


def test_study_named_twice_is_planned_once() -> None:
    targets = find_targets(["demo", "phase1", "phase1"])
    assert [s.study.name for s in targets] == ["phase1", "phase2-95", "phase2-995"]
    assert len(targets[0]) == len(paper_study("phase1"))


def test_two_sweep_files_of_one_name_are_refused(tmp_path: Path) -> None:
    one = write_sweep(tmp_path / "one.toml", 'structure = ["1x1x1"]', name="mine")
    two = write_sweep(tmp_path / "two.toml", 'structure = ["2x1x1"]', name="mine")
    with pytest.raises(UserError, match="two different sweep files are both named 'mine'"):
        find_targets([str(one), str(two)])


def stored_init(name: str, seed: int) -> StoredInit:
    layers = initial_network(paper_study("phase1").with_root_seed(seed)[0])
    return StoredInit(name, layers_digest(layers), layers)


def test_experiments_stored_with_another_initialisation_are_planned() -> None:
    first, second = stored_init("bench-95", 1), stored_init("bench-95", 2)
    targets = find_targets(["fixed95-phase1"])
    ours = with_inits(targets, {"bench-95": first, "bench-995": stored_init("bench-995", 3)})
    store = FakeStore()
    store.indices[ours[0].study.digest] = ours[0].indices
    assert not make_plan(ours, store)[0].remaining
    others = with_inits(targets, {"bench-95": second})
    assert len(make_plan(others, store)[0].remaining) == 558


def test_another_initialisation_than_the_store_s_is_refused() -> None:
    in_store, given = stored_init("bench-95", 1), stored_init("bench-95", 2)
    with pytest.raises(UserError, match=rf"{in_store.digest}.*{given.digest}"):
        combined({"bench-95": in_store}, {"bench-95": given})  # type: ignore[dict-item]


@pytest.mark.parametrize("option", ["--sample=0", "--sample=-5", "--shard=9/4", "--root-seed=-1"])
def test_number_out_of_range_is_named(option: str) -> None:
    ended = sparsest("plan", "phase1", option)
    assert ended.code in (1, 2)
    assert ended.out == ""
    assert option.partition("=")[2] in ended.err
    assert "allowed" in ended.err
