"""The project's own studies."""

from __future__ import annotations

from collections import Counter
from itertools import product

from search.masks.burnside import count_distinct
from search.methods import METHODS
from search.paper import paper_study
from search.project import (
    ABLATION_DEPTHS,
    ADDED_METHODS,
    MORE_METHODS,
    PROJECT_STUDIES,
    width_of_depth,
)
from search.structure import Structure


def test_digests_of_published_studies_are_stable() -> None:
    digests = {
        "depth-ablation": "66a057d166d2c62b9b6f04059ab0d268",
        "depth-more": "95965055b2b1ce699d0c4995631baa2d",
        "exchange": "beef6e45be5c204dc6936008d4c7cb54",
        "exchange-records": "733b170b1d66851d5d5ef0baab427667",
        "penalties": "40a4c3f767fb70d24e11f3a3728e6763",
        "elimination": "2d51316e6f861230bcab518b73d45bfc",
        "elimination-ablation": "8240bab04a3f1b8a090fd4a3d5c4a4e7",
        "to-accuracy": "dcd2254c90f9cc4cdeb75306ab3b71d2",
        "equal-training": "585ff95e7ee30bc2539643e0523b75e5",
        "exchange-bench": "70443b0e0df2f760b9dda6932e2fd14a",
        "overparam-more": "8a9ef1291f248deb34795ed59de66c09",
        "tasks-prune": "34be4a94490474ff5a050ae77914adae",
        "tasks-search": "c2a3c3c75bfc0ef0dec5937b8ac25ef8",
        "tasks-more": "8d3664aa608c6a012814b46c09fb5c83",
    }
    assert {study.name: study.digest for study in PROJECT_STUDIES.values()} == digests


def test_depth_ablation_has_every_method_and_target_at_every_depth() -> None:
    study = PROJECT_STUDIES["depth-ablation"]
    assert len(study) == 55_890
    overparam = paper_study("overparam")
    for field in ("method", "target_nnz", "lr", "schedule"):
        assert study.values(field) == overparam.values(field)
    networks = {experiment.hidden for experiment in study[:345]}
    assert {len(network) for network in networks} == set(ABLATION_DEPTHS)
    for network in networks:
        nearest = min((152, 560, 8384), key=lambda weights: abs(network.weights(2) - weights))
        assert abs(network.weights(2) - nearest) < 0.11 * nearest
    assert sum(experiment.structure is None for experiment in study[:345]) == 3 * 23


def test_width_of_a_depth_has_the_nearest_number_of_weights() -> None:
    for depth in ABLATION_DEPTHS:
        width = width_of_depth(depth, 560)
        distances = [abs(Structure.uniform(w, depth).weights(2) - 560) for w in range(1, 300)]
        assert distances[width - 1] == min(distances)
    assert width_of_depth(3, 560) == 16


def test_overparam_more_has_the_networks_rates_and_schedules_of_overparam() -> None:
    study, overparam = PROJECT_STUDIES["overparam-more"], paper_study("overparam")
    assert len(study) == 39_168
    for field in ("width", "schedule"):
        assert study.values(field) == overparam.values(field)
    assert study.values("lr") == overparam.values("lr") | {0.02}
    one_method = [study[index] for index in range(204)]
    pairs = {(experiment.width, experiment.target_nnz) for experiment in one_method}
    assert len(pairs) == 204
    assert pairs < {
        (one["width"], one["target_nnz"]) for one in map(overparam.grid.__getitem__, range(234))
    }
    wide = [one.target_nnz or 0 for one in one_method if one.width == 256]
    assert len(wide) == 8
    assert min(wide) == 15


def test_overparam_more_has_every_other_method_and_every_effective_budget() -> None:
    study = PROJECT_STUDIES["overparam-more"]
    starts = *range(0, 14 * 204, 204), *range(34_272, 34_272 + 2 * 204, 204)
    methods = [study[index] for index in starts]
    effective = {one.method for one in methods if one.hyperparameters == (("budget", "effective"),)}
    of_paper = paper_study("overparam").values("method")
    assert effective == {name for name in of_paper if "budget" in METHODS[name].settings}
    others = [one.method for one in methods if not one.hyperparameters]
    assert others == [*MORE_METHODS, *ADDED_METHODS]
    assert not set(others) & of_paper


def test_tasks_are_pruned_with_the_papers_methods_and_searched() -> None:
    prune, search = PROJECT_STUDIES["tasks-prune"], PROJECT_STUDIES["tasks-search"]
    for field in ("method", "lr", "schedule"):
        assert prune.values(field) == paper_study("overparam").values(field)
        if field != "method":
            assert search.values(field) == paper_study("phase1").values(field)
    assert prune.values("dataset") == search.values("dataset")
    trainings = Counter(prune[index].dataset for index in range(len(prune)))
    assert min(trainings.values()) > 5000


def test_tasks_search_has_every_distinct_network_up_to_3x3x3_with_two_features() -> None:
    study = PROJECT_STUDIES["tasks-search"]
    block = range(len(study) // 6)
    tried = Counter((study[index].dataset, bool(study[index].masks)) for index in block)
    networks = sum(count_distinct(2, s).networks for s in product(range(1, 4), repeat=3))
    assert tried == {
        **{(name, False): 8**3 for name in ("xor", "two-moons")},
        **{(name, True): networks for name in ("xor", "two-moons")},
        **{(name, False): 8**3 + 35 * 36 for name in ("digits-odd", "digits")},
    }
