"""The project's own studies."""

from __future__ import annotations

from search.paper import paper_study
from search.project import ABLATION_DEPTHS, PROJECT_STUDIES, width_of_depth
from search.structure import Structure


def test_digests_of_published_studies_are_stable() -> None:
    digests = {"depth-ablation": "66a057d166d2c62b9b6f04059ab0d268"}
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
