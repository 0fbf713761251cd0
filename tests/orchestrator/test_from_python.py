"""Training from Python, with and without a store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsest
from search.strategies import halving
from search.study import Study
from tests.installed import forget_plugins

SWEEP: dict[str, Any] = {
    "name": "small",
    "base": {"epochs": 1},
    "grid": {"structure": ("3x2", "2"), "lr": np.array([0.1, 0.2])},
}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    forget_plugins()


def keep_first(
    experiment: sparsest.Experiment, layers: sparsest.Layers, batches: sparsest.Batches
) -> sparsest.Pruned:
    target = sparsest.target_of(experiment, sum(weight.size for weight, _ in layers))
    flat = np.arange(sum(weight.size for weight, _ in layers)) < target
    masks = sparsest.by_layer(flat, [weight.shape for weight, _ in layers])
    return sparsest.Pruned(masks, sparsest.bias_masks(masks))


def fail(*arguments: object) -> sparsest.Pruned:
    raise ZeroDivisionError("in the algorithm")


def test_rows_in_memory_are_those_of_a_store(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"width": [4, 5], "target_nnz": 12, "epochs": 1, "seeds": [1, 3]}
    memory = sparsest.train("snip", **settings)
    stored = sparsest.train("snip", store=tmp_path / "store", **settings)
    unstable = {"train_ms", "sweep_id"}
    assert memory.arrow().schema == stored.arrow().schema
    for one, other in zip(memory.arrow().to_pylist(), stored.arrow().to_pylist(), strict=True):
        assert {k: v for k, v in one.items() if k not in unstable} == {
            k: v for k, v in other.items() if k not in unstable
        }
    assert memory.df().replicate.tolist() == [1, 1, 3, 3]
    again = sparsest.train("snip", store=tmp_path / "store", **settings)
    assert again.arrow().column("sweep_id") == stored.arrow().column("sweep_id")


def test_dict_is_run_like_a_file(tmp_path: Path) -> None:
    store = sparsest.run(SWEEP, tmp_path / "store")
    (tmp_path / "small.toml").write_text(
        'name = "small"\n[base]\nepochs = 1\n[grid]\nstructure = ["3x2", "2"]\nlr = [0.1, 0.2]\n'
    )
    again = sparsest.run(tmp_path / "small.toml", tmp_path / "store")
    rows = again.sql("SELECT count(*) AS rows, count(DISTINCT sweep_id) AS runs FROM results")
    assert rows.arrow().to_pylist() == [{"rows": 4, "runs": 1}]
    command = store.sql("SELECT command FROM sweeps").arrow().to_pylist()[0]["command"]
    assert command.startswith("sparsest.run(")


def test_networks_are_read_in_the_order_of_the_query(tmp_path: Path) -> None:
    with sparsest.run(SWEEP, tmp_path / "store") as store:
        query = "SELECT {} FROM results ORDER BY structure, lr DESC"
        lrs = [network.row["lr"] for network in store.networks(query.format("*")) if network.row]
        assert lrs == [0.2, 0.1, 0.2, 0.1]
        short = store.networks(query.format("experiment_id, lr"))
        assert [network.row and network.row["lr"] for network in short] == lrs
        with pytest.raises(ValueError, match="experiment_id"):
            store.networks(query.format("lr"))
        assert len(store.networks("FROM results WHERE lr > 1")) == 0


def test_rows_of_a_training_are_queried_and_shown() -> None:
    rows = sparsest.train(structure="2", epochs=1, lr=[0.1, 0.2])
    found = rows.sql("SELECT max(lr) AS lr, any_value(d1) AS d1 FROM results")
    assert found.arrow().to_pylist() == [{"lr": 0.2, "d1": 2}]
    html = rows.sql("SELECT '<b>' AS name FROM results")._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_data_set_of_this_process_is_trained_on(tmp_path: Path) -> None:
    points = sparsest.standardised(np.random.default_rng(0).normal(size=(2000, 2)))
    mine = sparsest.Dataset.of("mine", points, points[:, 0] > 0)
    rows = sparsest.train(structure="3", dataset=mine, epochs=5, lr=0.2)
    network = rows.networks()[0]
    assert network.dataset == "mine"
    assert sparsest.accuracy(network) == rows.arrow().to_pylist()[0]["accuracy"] > 0.9
    both = sparsest.train(structure="2", dataset=["two-moons", mine], epochs=1)
    assert both.df().dataset.tolist() == ["two-moons", "mine"]
    with pytest.raises(ValueError, match="sparsest new"):
        sparsest.train(structure="3", dataset=mine, epochs=1, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_method_of_this_process_is_trained() -> None:
    method = sparsest.Method("first", "before", sparsest.TO_TARGET)
    sparsest.register(method, keep_first)
    rows = sparsest.train(["first", "snip"], width=4, target_nnz=20, epochs=1)
    assert rows.df().method.tolist() == ["first", "snip"]
    assert [int(mask.sum()) for mask in rows.networks()[0].masks] == [8, 12, 0, 0]
    with pytest.raises(ValueError, match="built-in"):
        sparsest.register(sparsest.Method("snip", "before", sparsest.TO_TARGET), keep_first)


def test_error_of_a_method_is_raised_with_its_traceback() -> None:
    sparsest.register(sparsest.Method("broken", "before", sparsest.TO_TARGET), fail)
    with pytest.raises(ZeroDivisionError) as caught:
        sparsest.train("broken", width=4, target_nnz=20, epochs=1)
    assert caught.traceback[-1].name == "fail"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"width": 4, "target_nz": 12}, "target_nz"),
        ({"width": 4, "target_nnz": 12, "rounds": 3}, "rounds"),
        ({"width": 4, "target_nnz": 12, "lr": -1.0}, "lr"),
        ({"width": 4, "target_nnz": 12, "seeds": []}, "seeds"),
        ({"width": 4, "target_nnz": 12, "dataset": "nowhere"}, "nowhere"),
        ({"width": 4, "target_nnz": 12, "workers": 2}, "store="),
        ({"width": 4, "target_nnz": 12, "init": f"row:{'0' * 32}"}, "store="),
    ],
)
def test_wrong_setting_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        sparsest.train("snip", **arguments)


def test_unknown_executor_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"spark.*inline"):
        sparsest.run(SWEEP, tmp_path / "store", executor="spark")


@pytest.mark.parametrize("option", ["limit", "workers"])
@pytest.mark.parametrize("count", [0, -1, 1.5, "2"])
def test_count_that_is_no_whole_number_from_1_is_refused_before_a_store_is_made(
    option: str, count: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=option):
        sparsest.run(SWEEP, tmp_path / "store", **{option: count})
    assert not (tmp_path / "store").exists()


def test_only_the_wanted_seeds_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    updates = Study.updates

    def counted(study: Study, index: int) -> dict[str, Any]:
        made.append(index)
        return updates(study, index)

    monkeypatch.setattr(Study, "updates", counted)
    assert sparsest.train(structure="2", epochs=1, seeds=[1000]).df().replicate.tolist() == [1000]
    assert set(made) == {1000}


@pytest.mark.parametrize("strategy", ["halving", "eliminate", "evolve"])
def test_search_without_a_store_returns_its_networks(strategy: str) -> None:
    found = sparsest.search(
        "3x2", core_hours=0.00003, strategy=strategy, dataset="xor", target=0.6, epochs=3
    )
    rows = found.arrow().to_pylist()
    assert rows
    assert {(row["study"], row["dataset"]) for row in rows} == {(f"search-{strategy}", "xor")}
    assert len({row["weight_nnz"] for row in rows}) == 1
    assert all(row["accuracy"] >= 0.6 and row["reached"] <= row["trainings"] for row in rows)
    assert sparsest.accuracy(found.networks()[0]) == rows[0]["accuracy"]


def test_search_uses_a_function_and_data_of_this_process(tmp_path: Path) -> None:
    def dense(problem: sparsest.Problem) -> sparsest.Proposals:
        yield [problem.experiment(replicate=number) for number in range(3)]

    points = sparsest.standardised(np.random.default_rng(0).normal(size=(500, 2)))
    mine = sparsest.Dataset.of("mine", points, points[:, 0] > 0)
    rows = sparsest.search("2", core_hours=1, strategy=dense, dataset=mine, target=0.5, epochs=3)
    assert set(rows.df().study) == {"search-dense"}
    with pytest.raises(ValueError, match="sparsest new"):
        sparsest.search("2", tmp_path / "store", core_hours=1, strategy=dense, dataset=mine)
    assert not (tmp_path / "store").exists()


def test_search_tries_all_networks_of_a_depth_that_are_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halving, "ROUND", 2 * halving.RESTARTS)
    tried = {"networks": 1, "weights": 3, "distinct": 1, "highest": 0.6}
    training = {"lr": 0.05, "schedule": "cosine", "epochs": 1, "batch_size": 128, "root_seed": 0}
    published = {"dataset": "xor", "structure": None, "depth": 1, "skipped": 0, "tried": [tried]}
    (tmp_path / "exhaustive-x.json").write_text(json.dumps({**published, **training}))
    monkeypatch.setenv("SPARSEST_RESULTS", str(tmp_path))
    for from_published, structures in ((False, {"1", "2"}), (True, {"2"})):
        found = sparsest.search(
            None,
            tmp_path / f"store-{from_published}",
            core_hours=1e-7,
            strategy="halving",
            dataset="xor",
            target=1,
            epochs=1,
            masks="distinct",
            depth=1,
            from_published=from_published,
        )
        assert len(found) == 0
        with sparsest.open(tmp_path / f"store-{from_published}") as store:
            trained = store.sql("SELECT DISTINCT structure FROM results").df()
        assert set(trained.structure) == structures


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"core_hours": 0}, "core_hours"),
        ({"target": 95}, "95"),
        ({"lr": -1.0}, "lr"),
        ({"epochs": 0}, "epochs"),
        ({"strategy": "enumerate"}, "command"),
        ({"structure": "3-2"}, "3-2"),
        ({"workers": 2}, "store="),
        ({"strategy": "evolve", "masks": "distinct"}, "evolve.*halving"),
        ({"masks": "every"}, "every"),
        ({"depth": 2}, "depth"),
        ({"depth": 0, "masks": "distinct", "strategy": "halving"}, "depth"),
        ({"depth": 2, "masks": "distinct", "strategy": "halving", "structure": "2x2"}, "depth"),
        ({"from_published": True}, "from_published"),
    ],
)
def test_wrong_option_of_a_search_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        sparsest.search(**{"core_hours": 1, **arguments})


def test_hyperparameter_of_the_method_is_set() -> None:
    rows = sparsest.train(["iter-snip", "snip"], width=4, target_nnz=12, epochs=1, rounds=[2, 10])
    assert rows.df().hyperparameters.tolist()[0] == '{"rounds": 2}'
    assert len(rows) == 3


def test_progress_is_shown_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    sparsest.train(structure="2", epochs=1)
    assert capsys.readouterr() == ("", "")
    sparsest.train(structure="2", epochs=1, progress=True)
    assert "1 of 1" in capsys.readouterr().err
