"""Networks that may be records, as they are and after pruning without retraining."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from analysis.drawing.plane import restricted_to
from analysis.records.evaluation import accuracies, point_accuracy
from analysis.records.known import ACCURACIES, Known, reached, records
from analysis.records.polishing import THOROUGH, polished
from analysis.retrain import with_network
from analysis.row_network import network_from_row
from pruning.connectivity import leads_to_output
from pruning.functional_sparsity import count_active_points, without_dead_parts
from search.datasets import DATASETS
from search.layers import Layers, count_kept
from search.specification import label_of
from storage.reading.literals import sql_text
from storage.results_reader import ResultsReader
from workers.datasets import Dataset, load_dataset

NEAR = 2
"""Maximum number of weights that a network may have more than a record, to be pruned to it."""

SLACK = 0.01
"""Accuracy that a trained network may lack before it is polished."""

TRIALS = 8
"""Maximum number of networks that are polished before one parameter is removed."""

POLISHED = ", polished"
"""End of the account of a polished network's origin."""


def candidates(
    reader: ResultsReader,
    known: Sequence[Known],
    datasets: Iterable[str] = DATASETS,
    *,
    polish: bool = False,
) -> Iterator[Known]:
    """Yield networks of a store that have at most a few weights more than records.

    Rows without weights are trained again. Every network comes as trained, with `polish` polished,
    and `pruned` to each accuracy that it then reaches.

    Raises:
        ValueError, analysis.retrain.NotTheSame: a row cannot be trained again.
    """
    for dataset in sorted(datasets):
        targets: dict[str, list[Fraction]] = {}
        for target in ACCURACIES:
            for row_id in candidate_ids(reader, dataset, target, known, SLACK if polish else 0.0):
                targets.setdefault(row_id, []).append(target)
        for row_id, near in targets.items():
            network = _network(reader, reader.row(row_id))
            yield network
            if polish:
                yield from _polished(network, near)
                continue
            by = f"{network.by}, pruned after training"
            for layers in pruned(network.layers, load_dataset(dataset), near):
                yield replace(network, layers=layers, by=by)


def polished_records(known: Sequence[Known], datasets: Iterable[str]) -> Iterator[Known]:
    """Yield the known networks of data sets as polished, and `pruned` with polishing."""
    fewest = {
        (one.dataset, one.accuracy): one.fewest for one in records(known) if one.count == "weights"
    }
    for network in known:
        if network.dataset in datasets:
            weights, _ = _nonzero(network.layers)
            near = [
                target
                for target in ACCURACIES
                if weights <= fewest.get((network.dataset, target), weights) + NEAR
            ]
            yield from _polished(network, near)


def candidate_ids(
    reader: ResultsReader,
    dataset: str,
    target: Fraction,
    known: Sequence[Known],
    slack: float = 0.0,
) -> list[str]:
    """Return the ids of the rows that may be records for an accuracy less `slack`, each once."""
    asked = (dataset, target)
    present = {
        one.count: one.fewest for one in records(known) if (one.dataset, one.accuracy) == asked
    }
    limits = {"prunable_own": 1.0, "prunable_95": 0.95, "prunable_995": 0.995}
    removable = [f"coalesce({name}, 0)" for name, least in limits.items() if float(target) <= least]
    removed = f"greatest({', '.join(removable)})"
    fewest = {
        "weights": f"weight_nnz - {removed}",
        "weights and biases": f"model_nnz - {removed}",
        "live weights": f"least(weight_nnz - {removed}, live_nnz)",
    }
    ids: list[str] = []
    for count, column in fewest.items():
        most = present[count] + NEAR if count in present else "NULL"
        found = reader.sql(
            f"SELECT experiment_id FROM results WHERE dataset = {sql_text(dataset)} "
            f"AND accuracy >= {float(target) - slack!r} "
            f"AND {column} <= coalesce({most}, {column}) "
            f"ORDER BY {column}, model_nnz, accuracy DESC, study, study_index "
            "LIMIT 8"
        )
        ids += found.column("experiment_id").to_pylist()
    return list(dict.fromkeys(ids))


def _network(reader: ResultsReader, row: dict[str, Any]) -> Known:
    """Return the network of a row as trained, without idle neurons."""
    layers = without_idle_neurons(network_from_row(with_network(row, reader.init)).layers())
    (cost,) = reader.sql(
        "SELECT count(*) AS trainings, sum(train_ms) / 1000 AS seconds FROM results "
        f"WHERE study = {sql_text(row['study'])} AND method = {sql_text(row['method'])}"
    ).to_pylist()
    # Every round of a search is numbered from 1, so its numbers do not identify a row.
    by_search = row["study"].startswith("search-")
    found = row["study"] if by_search else f"{row['method']}, {label_of(row)}"
    by = f"{found}, experiment {row['experiment_id']}"
    return Known(row["dataset"], layers, by, cost["trainings"], round(cost["seconds"], 1))


def _polished(network: Known, targets: Iterable[Fraction]) -> Iterator[Known]:
    """Yield a network polished, and pruned with polishing to each target that it then reaches."""
    dataset = load_dataset(network.dataset)
    by = network.by.removesuffix(POLISHED) + POLISHED
    (layers,) = polished([network.layers], dataset, THOROUGH)
    better = replace(network, layers=layers, by=by).measured()
    yield better
    near = [target for target in targets if all(reached(better, target))]
    for smaller in pruned(layers, dataset, near, polish=True):
        yield replace(better, layers=smaller)


def pruned(
    layers: Layers, dataset: Dataset, targets: Iterable[Fraction], *, polish: bool = False
) -> Iterator[Layers]:
    """Yield for each target a network without the parameters that it can lose one by one.

    The targets are float32 accuracies that the network reaches; the highest comes first. Weights
    are removed before biases, and the one that costs least accuracy first. With `polish`, the
    `TRIALS` best networks with one parameter less are polished before the best of them is chosen.
    Dead parts are removed too, and a last hidden layer of one neuron is merged into the output. A
    network with as many weights and as many biases as the one before it is left out.
    """
    # Exact accuracies differ, so a margin is left where they are defined.
    margin = Fraction(1, 2000) if "exact" in accuracies(layers, dataset) else 0
    last, current = _nonzero(layers), layers
    for target in sorted(targets, reverse=True):
        floor = min(Fraction(1), target + margin)
        # Weights go in the same order whatever the target is, so the next one continues here.
        current = _without_parameters(current, dataset, floor, 0, polish=polish)
        smaller = _without_parameters(current, dataset, floor, 1, polish=polish)
        if _nonzero(smaller) != last:
            last = _nonzero(smaller)
            yield smaller


def _without_parameters(
    layers: Layers, dataset: Dataset, floor: Fraction, kind: int, *, polish: bool
) -> Layers:
    """Return a network without weights (kind 0) or biases (1), removed as in `pruned`."""
    while True:
        layers = _simplified(layers, dataset, floor)
        trials: list[tuple[Fraction, Layers]] = []
        for layer, parts in enumerate(layers):
            for index in zip(*np.nonzero(parts[kind]), strict=True):
                trial = [(weight.copy(), bias.copy()) for weight, bias in layers]
                trial[layer][kind][index] = 0
                trials.append((point_accuracy(trial, dataset, np.float32), trial))
        if polish:
            trials.sort(key=lambda one: one[0], reverse=True)
            better = polished([trial for _, trial in trials[:TRIALS]], dataset)
            trials = [(point_accuracy(one, dataset, np.float32), one) for one in better]
        accuracy, best = max(trials, key=lambda one: one[0], default=(Fraction(0), layers))
        if accuracy < floor:
            return layers
        layers = best


def _simplified(layers: Layers, dataset: Dataset, floor: Fraction) -> Layers:
    """Return an equivalent network without dead parts, unless rounding costs it too much."""
    active_points = count_active_points(layers, dataset.points)
    simpler = merged(without_idle_neurons(without_dead_parts(layers, active_points)))
    before, after = (point_accuracy(one, dataset, np.float32) for one in (layers, simpler))
    return simpler if after >= min(before, floor) else layers


def merged(layers: Layers) -> Layers:
    """Return an equivalent network without a last hidden layer of one neuron, if it has one output.

    For an output v relu(z) + c with v > 0 >= c, class 1 is where z + c / v > 0; with v < 0 < c,
    where z + c / v < 0.
    """
    if len(layers) == 1 or [len(bias) for _, bias in layers[-2:]] != [1, 1]:
        return layers
    *earlier, (weight, bias), (factor, constant) = layers
    v, c = factor.item(), constant.item()
    if not (v > 0 >= c or v < 0 < c):  # all points are of one class
        return layers
    sign = np.float32(np.sign(v))
    shifted = np.array([bias.item() + c / v], np.float32)
    return merged([*earlier, (sign * weight, sign * shifted)])


def without_idle_neurons(layers: Layers) -> Layers:
    """Return a network without the hidden neurons that lead to no output."""
    leading = leads_to_output([weight for weight, _ in layers])
    hidden = [np.flatnonzero(one).tolist() for one in leading]
    inputs, outputs = range(layers[0][0].shape[1]), range(len(layers[-1][1]))
    return restricted_to(layers, [inputs, *hidden, outputs])


def _nonzero(layers: Layers) -> tuple[int, int]:
    """Count the nonzero weights and the nonzero biases."""
    weights, biases = zip(*layers, strict=True)
    return count_kept(weights), count_kept(biases)
